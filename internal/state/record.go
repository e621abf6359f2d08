// Package state remembers on this machine which uploads are under way: what
// was reserved, which parts arrived, whether it was committed. It makes a rerun
// faster and lets it go on after a commit; the service remains the authority.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// A Key names an upload: no two may be under way with the same one.
type Key struct {
	// API is the address of the service.
	API         string `json:"api"`
	BundleID    string `json:"bundle_id"`
	Platform    string `json:"platform"`
	Version     string `json:"version"`
	BuildNumber string `json:"build_number"`
}

// A Stage is how far an upload got.
type Stage string

// The stages that are recorded.
const (
	// Transferring: there is a reservation, and parts are being sent.
	Transferring Stage = "transferring"
	// Committing: the commit was sent or is about to be.
	Committing Stage = "committing"
	// Committed: the service has acknowledged it.
	Committed Stage = "committed"
)

// An Operation is one part that the service asked for.
type Operation struct {
	PartNumber int64     `json:"part_number"`
	Offset     int64     `json:"offset"`
	Length     int64     `json:"length"`
	Expiration time.Time `json:"expiration"`
}

// A Part is one that the store has acknowledged.
type Part struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
	// MD5 is in hex.
	MD5 string `json:"md5"`
}

// A Record is an upload under way.
type Record struct {
	// Format is that of the record; others than 1 are not understood.
	Format int `json:"format"`
	Key
	Path              string   `json:"path"`
	File              Identity `json:"file"`
	AppID             string   `json:"app_id"`
	BuildUploadID     string   `json:"build_upload_id"`
	BuildUploadFileID string   `json:"build_upload_file_id"`
	Stage             Stage    `json:"stage"`
	// Operations are the parts that the service asked for. Their URLs are not
	// kept: they are secrets, and the service gives them again.
	Operations []Operation `json:"operations"`
	// Parts are those that the store has acknowledged.
	Parts   []Part    `json:"parts"`
	Updated time.Time `json:"updated"`
}

const format = 1

// An Identity tells whether a file is still the same, without reading it.
type Identity struct {
	Size int64 `json:"size"`
	// Modified and Changed are in nanoseconds since 1970. Changed is the time
	// of the last change of content or metadata, which no program can set;
	// zero where the system has none.
	Modified int64 `json:"modified"`
	Changed  int64 `json:"changed"`
	// Device and Inode are zero where the system has none.
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

// Identify returns the identity of a file.
func Identify(info os.FileInfo) Identity {
	id := Identity{Size: info.Size(), Modified: info.ModTime().UnixNano()}
	id.addSystem(info)
	return id
}

// Proves tells whether an equal identity means the same content.
func (id Identity) Proves() bool { return id.Changed != 0 && id.Inode != 0 }

// errFormat says that a record was written by another version or damaged.
var errFormat = errors.New("not a record of an upload")

// parse reads a record, and refuses what cannot be one: a record is only ever
// a hint, and a wrong one is worse than none.
func parse(content []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(content, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", errFormat, err)
	}
	if r.Format != format || r.BuildUploadID == "" || r.BundleID == "" || r.File.Size <= 0 {
		return Record{}, errFormat
	}
	switch r.Stage {
	case Transferring, Committing, Committed:
	default:
		return Record{}, errFormat
	}
	end := int64(0)
	for _, p := range r.Parts {
		if p.Offset < end || p.Length <= 0 || p.Length > r.File.Size-p.Offset || len(p.MD5) != 32 {
			return Record{}, errFormat
		}
		end = p.Offset + p.Length
	}
	return r, nil
}
