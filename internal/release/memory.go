package release

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/state"
	"github.com/ascend-cli/ascend/upload"
)

// memory is what this machine remembers of the upload of one package. A nil
// memory remembers nothing.
type memory struct {
	store  *state.Store
	warn   func(string)
	now    func() time.Time
	file   state.Identity
	record state.Record // of this run once it has a reservation, before of an earlier one
	// known tells that record is of an earlier run, sameSize that its file had
	// the size of this one, trusted that it is provably this one.
	known, sameSize, trusted bool

	mu     sync.Mutex
	saved  time.Time
	dirty  bool
	failed bool
}

// saveEvery is the pause between two saves while parts arrive: what is not in
// the record is found again by asking the service.
const saveEvery = 500 * time.Millisecond

// recall makes sure that nobody else on this machine works on the same upload,
// and reads what an earlier run left.
func (r *run) recall(p pkg) (unlock func(), err error) {
	if r.State == nil {
		return func() {}, nil
	}
	key := state.Key{API: r.Client.BaseURL(), BundleID: p.BundleID, Platform: string(p.Platform), Version: p.ShortVersion, BuildNumber: p.BuildVersion}
	unlock, err = r.State.Lock(key)
	var held *state.HeldError
	if errors.As(err, &held) {
		return nil, &failure.Error{Kind: failure.Conflict, Message: held.Error(), Hint: "wait for it to end, or stop it; its upload is not disturbed by this run"}
	}
	if err != nil {
		r.warn(fmt.Sprintf("nothing can be remembered on this machine, so only the service can tell what an interrupted run has sent: %v", err))
		return func() {}, nil
	}
	m := &memory{store: r.State, warn: r.warn, now: r.Now, file: state.Identify(p.stat)}
	m.record, m.known, err = r.State.Load(key)
	if err != nil {
		r.warn(fmt.Sprintf("what this machine remembers of the upload cannot be used: %v", err))
	}
	if !m.known {
		m.record = state.Record{}
	}
	m.sameSize = m.known && m.record.File.Size == m.file.Size
	m.trusted = m.known && m.file.Proves() && m.record.File == m.file
	m.record.Key, m.record.Path, m.record.File = key, p.Path, m.file
	r.memory = m
	r.State.Prune()
	return unlock, nil
}

// reserved tells whether an earlier run of this package made a reservation.
func (m *memory) reserved(uploadID string) bool {
	return m != nil && m.known && m.record.BuildUploadID == uploadID
}

// uploadID is the build upload that an earlier run of this package made or used,
// or empty.
func (m *memory) uploadID() string {
	if m == nil || !m.known {
		return ""
	}
	return m.record.BuildUploadID
}

// fileID is the package's file of a build upload, as far as it is remembered.
func (m *memory) fileID(uploadID string) string {
	if !m.reserved(uploadID) {
		return ""
	}
	return m.record.BuildUploadFileID
}

// isUpload tells whether a build upload that was committed is of this very
// package, which an earlier run sent from this machine.
func (m *memory) isUpload(ctx context.Context, uploadID string, p pkg) (bool, error) {
	if !m.reserved(uploadID) || !m.sameSize || m.record.Stage == state.Transferring {
		return false, nil
	}
	if m.trusted {
		return true, nil
	}
	var parts []upload.Part
	covered := int64(0)
	for _, part := range m.record.Parts {
		if part.Offset != covered {
			return false, nil
		}
		covered += part.Length
		parts = append(parts, upload.Part{Offset: part.Offset, Length: part.Length, Sum: part.MD5})
	}
	if covered != p.Size {
		return false, nil
	}
	err := upload.Check(ctx, p.file, parts)
	if errors.Is(err, upload.ErrFileChanged) {
		return false, nil
	}
	return err == nil, err
}

// sums are the MD5s of the parts as far as they are known without reading the
// file, in the order of the file.
func (m *memory) sums(operations []upload.Operation) []string {
	if m == nil || !m.trusted {
		return nil
	}
	known := map[[2]int64]string{}
	for _, part := range m.record.Parts {
		known[[2]int64{part.Offset, part.Length}] = part.MD5
	}
	sorted, err := upload.Validate(operations, m.file.Size)
	if err != nil {
		return nil // the upload itself says so
	}
	out := make([]string, len(sorted))
	for i, op := range sorted {
		out[i] = known[[2]int64{op.Offset, op.Length}]
	}
	return out
}

// reserve begins the record of a reservation.
func (m *memory) reserve(appID string, res reservation) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.record.BuildUploadID != res.uploadID || !m.trusted {
		m.record.Parts = nil
	}
	m.record.AppID, m.record.BuildUploadID, m.record.BuildUploadFileID = appID, res.uploadID, res.file.ID
	m.record.Stage = state.Transferring
	m.record.Operations = nil
	for _, op := range res.file.UploadOperations {
		m.record.Operations = append(m.record.Operations, state.Operation{PartNumber: op.PartNumber, Offset: op.Offset, Length: op.Length, Expiration: op.Expiration})
	}
	m.save()
}

// part adds a part that the store has acknowledged.
func (m *memory) part(part upload.Part) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, other := range m.record.Parts {
		if other.Offset == part.Offset {
			m.record.Parts = append(m.record.Parts[:i:i], m.record.Parts[i+1:]...)
			break
		}
	}
	m.record.Parts = append(m.record.Parts, state.Part{Offset: part.Offset, Length: part.Length, MD5: part.Sum})
	m.dirty = true
	if m.now().Sub(m.saved) >= saveEvery {
		m.save()
	}
}

// flush saves what is not saved yet.
func (m *memory) flush() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dirty {
		m.save()
	}
	if m.failed {
		m.warn("what was sent cannot be remembered on this machine, for example because the disk is full; an interrupted run goes on all the same, by asking the service")
		m.failed = false
	}
}

// reached notes the stage.
func (m *memory) reached(stage state.Stage) {
	if m == nil {
		return
	}
	m.mu.Lock()
	m.record.Stage = stage
	m.dirty = true
	m.mu.Unlock()
	m.flush()
}

// save writes the record. It is called with the lock held. A failure is told
// once, by flush.
func (m *memory) save() {
	m.saved, m.dirty = m.now(), false
	if err := m.store.Save(m.record); err != nil {
		m.failed = true
	}
}

// forget removes the record.
func (m *memory) forget() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known, m.trusted, m.dirty = false, false, false
	m.record.Parts = nil
	if err := m.store.Remove(m.record.Key); err != nil {
		m.failed = true
	}
}
