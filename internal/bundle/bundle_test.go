package bundle_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
)

const id = "com.example.demo"

func inspect(content []byte) (bundle.Info, error) {
	return bundle.Inspect("test", bytes.NewReader(content), int64(len(content)))
}

func wantInfo(t *testing.T, info bundle.Info, err error, kind bundle.Kind, platform bundle.Platform, version, build string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if info.Kind != kind || info.BundleID != id || info.Platform != platform || info.ShortVersion != version || info.BuildVersion != build {
		t.Errorf("%+v", info)
	}
}

func TestAnIPAIsReadInEveryFormOfPropertyList(t *testing.T) {
	for name, format := range map[string]int{"binary": bundletest.Binary, "XML": bundletest.XML, "old-style": bundletest.OldStyle} {
		t.Run(name, func(t *testing.T) {
			plist := bundletest.IOS(id, "1.2.0", "42")
			if format == bundletest.OldStyle {
				plist["ITSAppUsesNonExemptEncryption"] = "NO" // it has no booleans
			}
			info, err := inspect(bundletest.Zip(bundletest.File{Name: "Payload/Demo.app/Info.plist", Content: plist.Encode(format)}))
			wantInfo(t, info, err, bundle.IPA, bundle.IOS, "1.2.0", "42")
			if info.Name != "Demo" || info.MinimumOS != "16.0" || info.UsesNonExemptEncryption == nil || *info.UsesNonExemptEncryption || info.App != "Payload/Demo.app" {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestValuesOfTheWrongTypeAreRead(t *testing.T) {
	plist := bundletest.IOS(id, "1.2", "1").With("CFBundleVersion", 42).With("CFBundleShortVersionString", 1.5).With("CFBundleSupportedPlatforms", "iPhoneOS").With("ITSAppUsesNonExemptEncryption", 1)
	info, err := inspect(bundletest.IPA(plist))
	wantInfo(t, info, err, bundle.IPA, bundle.IOS, "1.5", "42")
	if info.UsesNonExemptEncryption == nil || !*info.UsesNonExemptEncryption {
		t.Errorf("%+v", info)
	}
}

func TestPlatforms(t *testing.T) {
	for name, c := range map[string]struct {
		change func(bundletest.Plist) bundletest.Plist
		want   bundle.Platform
		fails  string
	}{
		"tvOS":     {func(p bundletest.Plist) bundletest.Plist { return p.With("DTPlatformName", "appletvos") }, bundle.TVOS, ""},
		"visionOS": {func(p bundletest.Plist) bundletest.Plist { return p.With("DTPlatformName", "xros") }, bundle.VisionOS, ""},
		"Mac":      {func(p bundletest.Plist) bundletest.Plist { return p.With("DTPlatformName", "macosx") }, bundle.MacOS, ""},
		"by the list": {func(p bundletest.Plist) bundletest.Plist {
			return p.With("DTPlatformName", nil).With("CFBundleSupportedPlatforms", []string{"AppleTVOS"})
		}, bundle.TVOS, ""},
		"by the key": {func(p bundletest.Plist) bundletest.Plist {
			return p.With("DTPlatformName", nil).With("CFBundleSupportedPlatforms", nil).With("LSRequiresIPhoneOS", true)
		}, bundle.IOS, ""},
		"unknown": {func(p bundletest.Plist) bundletest.Plist {
			return p.With("DTPlatformName", nil).With("CFBundleSupportedPlatforms", nil)
		}, "", ""},
		"a simulator": {func(p bundletest.Plist) bundletest.Plist {
			return p.With("DTPlatformName", "iphonesimulator").With("CFBundleSupportedPlatforms", []string{"iPhoneSimulator"})
		}, "", "simulator"},
		"a watch alone": {func(p bundletest.Plist) bundletest.Plist {
			return p.With("DTPlatformName", "watchos").With("CFBundleSupportedPlatforms", []string{"WatchOS"})
		}, "", "watch"},
	} {
		t.Run(name, func(t *testing.T) {
			info, err := inspect(bundletest.IPA(c.change(bundletest.IOS(id, "1", "1"))))
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || info.Platform != c.want {
				t.Errorf("%v, %q", err, info.Platform)
			}
		})
	}
	for text, want := range map[string]bundle.Platform{"ios": "IOS", "MAC_OS": "MAC_OS", "osx": "MAC_OS", "appletvos": "TV_OS", "xros": "VISION_OS", "visionOS": "VISION_OS", "android": ""} {
		if got, _ := bundle.ParsePlatform(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestTheOutermostAppWins(t *testing.T) {
	main := bundletest.IOS(id, "1.2.0", "42").Encode(bundletest.Binary)
	other := bundletest.IOS(id+".watch", "9.9", "99").With("DTPlatformName", "watchos").Encode(bundletest.Binary)
	for name, prefix := range map[string]string{"as Xcode packs": "", "re-packed under a folder": "Demo/"} {
		t.Run(name, func(t *testing.T) {
			info, err := inspect(bundletest.Zip(
				bundletest.File{Name: "__MACOSX/" + prefix + "Payload/Demo.app/._Info.plist", Content: []byte("x")},
				bundletest.File{Name: prefix + "Payload/Demo.app/Watch/Watch.app/Info.plist", Content: other},
				bundletest.File{Name: prefix + "Payload/Demo.app/PlugIns/Share.appex/Info.plist", Content: other},
				bundletest.File{Name: prefix + "Payload/Demo.app/Settings.bundle/Info.plist", Content: other},
				bundletest.File{Name: prefix + "Payload/Demo.app/Info.plist", Content: main},
				bundletest.File{Name: "Symbols/x.symbols", Content: []byte("x")},
			))
			wantInfo(t, info, err, bundle.IPA, bundle.IOS, "1.2.0", "42")
			layout := slices.ContainsFunc(info.Oddities, func(o bundle.Oddity) bool { return o.Rule == "package-layout" })
			if layout != (prefix != "") {
				t.Errorf("oddities %v", info.Oddities)
			}
		})
	}
}

func TestAZippedAppIsRead(t *testing.T) {
	info, err := inspect(bundletest.Zip(
		bundletest.File{Name: "Demo.app/Contents/Library/Helper.app/Contents/Info.plist", Content: bundletest.Mac(id+".helper", "9", "9").Encode(bundletest.XML)},
		bundletest.File{Name: "Demo.app/Contents/Info.plist", Content: bundletest.Mac(id, "1.2.0", "42").Encode(bundletest.XML)},
	))
	wantInfo(t, info, err, bundle.ZIP, bundle.MacOS, "1.2.0", "42")
}

func TestInstallerPackages(t *testing.T) {
	mac := bundletest.Mac(id, "1.2.0", "42")
	app := bundletest.File{Name: "./Demo.app/Contents/Info.plist", Content: mac.Encode(bundletest.Binary)}
	payload := bundletest.Cpio(bundletest.File{Name: "./Demo.app/Contents/Library/H.app/Contents/Info.plist", Content: bundletest.Mac(id+".h", "9", "9").Encode(bundletest.XML)}, app)
	info := bundletest.File{Name: "PackageInfo", Content: []byte(`<pkg-info identifier="` + id + `" version="1.2.0"><bundle path="./Demo.app" id="` + id + `" CFBundleShortVersionString="1.2.0" CFBundleVersion="42"/></pkg-info>`)}
	bare := bundletest.File{Name: "PackageInfo", Content: []byte(`<pkg-info identifier="` + id + `" version="1.2.0"/>`)}
	for name, content := range map[string][]byte{
		"a product archive":                     bundletest.PKG(mac),
		"only a Distribution":                   bundletest.Xar(bundletest.Distribution(id, "1.2.0", "42")),
		"a Distribution that is not compressed": bundletest.Xar(bundletest.File{Name: "Distribution", Content: bundletest.Distribution(id, "1.2.0", "42").Content, Stored: true}),
		"only a PackageInfo":                    bundletest.Xar(info),
		"versions only in the payload":          bundletest.Xar(bare, bundletest.File{Name: "Payload", Content: bundletest.Gzip(payload), Stored: true}),
		"a payload that is not compressed":      bundletest.Xar(bare, bundletest.File{Name: "Payload", Content: payload, Stored: true}),
		"a payload as xz chunks":                bundletest.Xar(bare, bundletest.File{Name: "Payload", Content: pbzx(t, payload), Stored: true}),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := inspect(content)
			wantInfo(t, got, err, bundle.PKG, bundle.MacOS, "1.2.0", "42")
		})
	}
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"nothing in it":               {bundletest.Xar(bundletest.File{Name: "readme", Content: []byte("x")}), "neither a Distribution"},
		"no app":                      {bundletest.Xar(bare, bundletest.File{Name: "Payload", Content: bundletest.Gzip(bundletest.Cpio(bundletest.File{Name: "./usr/bin/x"})), Stored: true}), "no app"},
		"a Distribution of rubbish":   {bundletest.Xar(bundletest.File{Name: "Distribution", Content: []byte("hello")}), "not XML"},
		"a payload of rubbish":        {bundletest.Xar(bare, bundletest.File{Name: "Payload", Content: []byte("hello world, this is no cpio"), Stored: true}), "cpio"},
		"cut off":                     {bundletest.PKG(mac)[:60], "cut off"},
		"cut off behind the contents": {bundletest.PKG(mac)[:900], "cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.content)
			var e *bundle.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v does not say %q", err, c.want)
			}
		})
	}
}

func pbzx(t *testing.T, content []byte) []byte {
	t.Helper()
	out := append([]byte("pbzx"), make([]byte, 8)...)
	half := len(content) / 2
	for i, chunk := range [][]byte{content[:half], content[half:]} {
		data := chunk
		if i == 0 { // one chunk compressed, one as it is
			var packed bytes.Buffer
			w, err := xz.NewWriter(&packed)
			if err == nil {
				_, err = w.Write(chunk)
			}
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			data = packed.Bytes()
		}
		out = binary.BigEndian.AppendUint64(out, uint64(len(chunk)))
		out = binary.BigEndian.AppendUint64(out, uint64(len(data)))
		out = append(out, data...)
	}
	return out
}

func TestPackagesThatCannotBeUsedSayWhy(t *testing.T) {
	plist := bundletest.IOS(id, "1", "1")
	whole := bundletest.IPA(plist)
	file := func(name string, content []byte) []byte {
		return bundletest.Zip(bundletest.File{Name: name, Content: content})
	}
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":                        {nil, "empty"},
		"text":                         {[]byte("hello world"), `"hell"`},
		"HTML":                         {[]byte("<html>"), "HTML"},
		"a Git LFS pointer":            {[]byte("version https://git-lfs"), "git lfs pull"},
		"gzip":                         {[]byte{0x1f, 0x8b, 8, 0}, "gzip"},
		"bytes":                        {[]byte{0, 1, 2, 3, 4}, "00 01 02 03"},
		"a zip that is cut off":        {whole[:len(whole)-30], "cut off"},
		"a zip that is cut off early":  {whole[:10], "cut off"},
		"a zip without an app":         {file("readme.txt", nil), "no app"},
		"a Payload without an app":     {file("Payload/readme.txt", nil), "no .app"},
		"an app without an Info.plist": {file("Payload/Demo.app/Demo", nil), "no Info.plist"},
		"an Info.plist of rubbish":     {file("Payload/Demo.app/Info.plist", []byte("{{{")), "not a property list"},
		"an Info.plist of text":        {file("Payload/Demo.app/Info.plist", []byte("hello")), "not a property list"},
		"an empty Info.plist":          {file("Payload/Demo.app/Info.plist", nil), "CFBundleIdentifier"},
		"an Info.plist without an id":  {bundletest.IPA(plist.With("CFBundleIdentifier", nil)), "CFBundleIdentifier"},
		"two apps": {bundletest.Zip(
			bundletest.File{Name: "Payload/A.app/Info.plist", Content: plist.Encode(bundletest.XML)}, bundletest.File{Name: "Payload/B.app/Info.plist", Content: plist.Encode(bundletest.XML)},
		), "more than one app"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.content)
			var e *bundle.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error()+e.Hint, c.want) {
				t.Errorf("%v does not say %q", err, c.want)
			}
		})
	}
}

func TestPathsThatAreNoPackageSayWhy(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{"Demo.app", "Demo.xcarchive", "folder"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "empty.ipa"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"none.ipa": "no such file", "Demo.app": ".app folder", "Demo.xcarchive": "archive", "folder": "folder", "empty.ipa": "empty", "empty.ipa/x": "cannot be read",
	} {
		if _, err := bundle.InspectFile(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", name, err, want)
		}
	}
	if _, err := bundle.InspectFile("/dev/null"); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("a device: %v", err)
	}
}

// sparse is a large file of zeros with a few pieces in it.
type sparse struct {
	size   int64
	pieces map[int64][]byte
}

func (s sparse) ReadAt(p []byte, offset int64) (int, error) {
	clear(p)
	for at, piece := range s.pieces {
		for i := range p {
			if j := offset + int64(i) - at; j >= 0 && j < int64(len(piece)) {
				p[i] = piece[j]
			}
		}
	}
	if offset+int64(len(p)) > s.size {
		return int(max(0, s.size-offset)), io.EOF
	}
	return len(p), nil
}

// wrapped builds an archive of over 4 GiB as Xcode writes it: no zip64
// records, and every offset and size cut to 32 bits.
func wrapped(plist []byte, plistAt, directoryAt int64) sparse {
	const name, big = "Payload/Demo.app/Info.plist", "Payload/Demo.app/Assets.car"
	local := func(name string, size int) []byte {
		h := binary.LittleEndian.AppendUint32(nil, 0x04034b50)
		h = append(h, make([]byte, 14)...)
		h = binary.LittleEndian.AppendUint32(h, uint32(size))
		h = binary.LittleEndian.AppendUint32(h, uint32(size))
		h = binary.LittleEndian.AppendUint16(h, uint16(len(name)))
		h = binary.LittleEndian.AppendUint16(h, 0)
		return append(h, name...)
	}
	central := func(name string, crc uint32, size, at int64) []byte {
		h := binary.LittleEndian.AppendUint32(nil, 0x02014b50)
		h = append(h, make([]byte, 12)...)
		h = binary.LittleEndian.AppendUint32(h, crc)
		h = binary.LittleEndian.AppendUint32(h, uint32(size))
		h = binary.LittleEndian.AppendUint32(h, uint32(size))
		h = binary.LittleEndian.AppendUint16(h, uint16(len(name)))
		h = append(h, make([]byte, 12)...)
		h = binary.LittleEndian.AppendUint32(h, uint32(at))
		return append(h, name...)
	}
	directory := append(central(big, 0, plistAt-100, 0), central(name, crc32.ChecksumIEEE(plist), int64(len(plist)), plistAt)...)
	end := binary.LittleEndian.AppendUint32(nil, 0x06054b50)
	end = append(end, make([]byte, 4)...)
	end = binary.LittleEndian.AppendUint16(end, 2)
	end = binary.LittleEndian.AppendUint16(end, 2)
	end = binary.LittleEndian.AppendUint32(end, uint32(len(directory)))
	end = binary.LittleEndian.AppendUint32(end, uint32(directoryAt))
	end = binary.LittleEndian.AppendUint16(end, 0)
	tail := append(directory, end...)
	return sparse{size: directoryAt + int64(len(tail)), pieces: map[int64][]byte{
		0: local(big, 0), plistAt: append(local(name, len(plist)), plist...), directoryAt: tail,
	}}
}

func TestArchivesOver4GiBWithWrappedFieldsAreRead(t *testing.T) {
	plist := bundletest.IOS(id, "1.2.0", "42").Encode(bundletest.Binary)
	for name, c := range map[string]struct{ plistAt, directoryAt int64 }{
		"the app behind 4 GiB":      {5 << 30, 5<<30 + 1<<20},
		"the app behind 8 GiB":      {9 << 30, 9<<30 + 1<<20},
		"the app before 4 GiB":      {1 << 20, 6 << 30},
		"nothing wrapped, for once": {1 << 20, 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			archive := wrapped(plist, c.plistAt, c.directoryAt)
			info, err := bundle.Inspect("big.ipa", archive, archive.size)
			wantInfo(t, info, err, bundle.IPA, bundle.IOS, "1.2.0", "42")
		})
	}
}

func TestZip64AndPrependedDataAreRead(t *testing.T) {
	content := bundletest.IPA(bundletest.IOS(id, "1.2.0", "42"))
	info, err := inspect(append([]byte("PK\x03\x04 something before"), content...))
	wantInfo(t, info, err, bundle.IPA, bundle.IOS, "1.2.0", "42")

	// More than 65535 files make the writer use zip64.
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := range 66000 {
		if _, err := w.CreateHeader(&zip.FileHeader{Name: "Payload/Demo.app/f" + strings.Repeat("x", i%7), Method: zip.Store}); err != nil {
			t.Fatal(err)
		}
	}
	entry, err := w.Create("Payload/Demo.app/Info.plist")
	if err == nil {
		_, err = entry.Write(bundletest.IOS(id, "1.2.0", "42").Encode(bundletest.XML))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	info, err = inspect(out.Bytes())
	wantInfo(t, info, err, bundle.IPA, bundle.IOS, "1.2.0", "42")
}

func TestZip64FieldsOfAnEntryAreRead(t *testing.T) {
	// What a writer does that does not know the sizes beforehand and expects
	// large ones: all 32-bit fields full, the values in the extra field.
	plist := bundletest.IOS(id, "1.2.0", "42").Encode(bundletest.XML)
	const name = "Payload/Demo.app/Info.plist"
	var out []byte
	le16 := func(v int) { out = binary.LittleEndian.AppendUint16(out, uint16(v)) }
	le32 := func(v uint32) { out = binary.LittleEndian.AppendUint32(out, v) }
	le64 := func(v int) { out = binary.LittleEndian.AppendUint64(out, uint64(v)) }
	le32(0x04034b50)
	out = append(out, make([]byte, 22)...)
	le16(len(name))
	le16(0)
	out = append(append(out, name...), plist...)
	directory := len(out)
	le32(0x02014b50)
	out = append(out, make([]byte, 16)...)
	le32(1<<32 - 1)
	le32(1<<32 - 1)
	le16(len(name))
	le16(4 + 4 + 24 + 4) // another field first
	out = append(out, make([]byte, 10)...)
	le32(1<<32 - 1)
	out = append(out, name...)
	le16(0x7075)
	le16(4)
	le32(0)
	le16(1)
	le16(24)
	le64(len(plist))
	le64(len(plist))
	le64(0)
	length := len(out) - directory
	end := len(out)
	le32(0x06064b50)
	le64(44)
	out = append(out, make([]byte, 12)...)
	le64(1)
	le64(1)
	le64(length)
	le64(directory)
	le32(0x07064b50)
	le32(0)
	le64(end)
	le32(1)
	le32(0x06054b50)
	le32(0)
	le16(1<<16 - 1)
	le16(1<<16 - 1)
	le32(1<<32 - 1)
	le32(1<<32 - 1)
	le16(0)
	info, err := inspect(out)
	wantInfo(t, info, err, bundle.IPA, bundle.IOS, "1.2.0", "42")
}

func TestTheNewerCpioFormIsRead(t *testing.T) {
	var payload bytes.Buffer
	for _, file := range []bundletest.File{
		{Name: "./a", Content: []byte("x")}, {Name: "./Demo.app/Contents/Info.plist", Content: bundletest.Mac(id, "1.2.0", "42").Encode(bundletest.XML)}, {Name: "TRAILER!!!"},
	} {
		fmt.Fprintf(&payload, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 0, 0, 0, 0, 1, 0, len(file.Content), 0, 0, 0, 0, len(file.Name)+1, 0)
		payload.WriteString(file.Name + "\x00" + strings.Repeat("\x00", (4-(110+len(file.Name)+1)%4)%4))
		payload.Write(append(file.Content, make([]byte, (4-len(file.Content)%4)%4)...))
	}
	info, err := inspect(bundletest.Xar(bundletest.File{Name: "PackageInfo", Content: []byte("<pkg-info/>")}, bundletest.File{Name: "Payload", Content: payload.Bytes(), Stored: true}))
	wantInfo(t, info, err, bundle.PKG, bundle.MacOS, "1.2.0", "42")
}

func TestABombIsRefused(t *testing.T) {
	_, err := inspect(bundletest.Zip(bundletest.File{Name: "Payload/Demo.app/Info.plist", Content: make([]byte, 64<<20)}))
	if err == nil || !strings.Contains(err.Error(), "larger than 256 KiB") {
		t.Errorf("%v", err)
	}
}

// TestAPayloadThatIsTooLargeIsReadInPart packs an app far more densely than any
// real one, so that what may be unpacked ends before the payload does.
func TestAPayloadThatIsTooLargeIsReadInPart(t *testing.T) {
	p := bundletest.SignedMac(id, "1.2.0", "42")
	p.App().Files = append(p.App().Files, bundletest.File{Name: "Contents/Resources/zeros", Content: make([]byte, 64<<20)}, bundletest.File{Name: "Contents/Resources/last"})
	info, err := inspect(p.PKG())
	wantInfo(t, info, err, bundle.PKG, bundle.MacOS, "1.2.0", "42")
	if info.Partial == "" || len(info.Bundles) == 0 {
		t.Errorf("partial %q, %d bundles", info.Partial, len(info.Bundles))
	}
	for _, f := range bundle.Preflight(info, today) {
		if f.Severity != bundle.SeverityInfo {
			t.Errorf("%+v", f)
		}
	}
}

// TestVersionsThatAppleDoesNotTake has the forms that rule_test.go does not.
func TestVersionsThatAppleDoesNotTake(t *testing.T) {
	for name, version := range map[string]string{
		"none": "", "letters": "1.2b", "four parts": "1.2.3.4", "an empty part": "1..3", "a dot at the end": "1.", "nineteen characters": strings.Repeat("1", 19),
	} {
		info := bundle.Info{ShortVersion: "1.0", BuildVersion: version, Platform: bundle.IOS, UsesNonExemptEncryption: new(bool)}
		findings := bundle.Fatal(bundle.Preflight(info, today))
		if len(findings) != 1 || findings[0].Rule != "build-number-format" || findings[0].Value != version {
			t.Errorf("%s: %+v", name, findings)
		}
	}
}

func TestRealPackages(t *testing.T) {
	const folder = "../../../shared/artifacts"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the real packages are not beside the checkout")
	}
	undecided := []string{"program-missing", "export-compliance-undecided"}
	for name, want := range map[string]struct {
		info  bundle.Info
		rules []string
	}{
		"iOSAppOnly.ipa": {bundle.Info{Kind: bundle.IPA, ShortVersion: "1.2.0", BuildVersion: "1", Platform: bundle.IOS, MinimumOS: "8.0"}, append([]string{"package-layout", "package-clutter"}, undecided...)},
		"ContainsWatchApp.ipa": {bundle.Info{Kind: bundle.IPA, ShortVersion: "1.2.0", BuildVersion: "1", Platform: bundle.IOS, MinimumOS: "8.0"},
			append([]string{"package-layout", "package-clutter", "package-clutter", "package-clutter"}, undecided...)},
		"MacAppOnly.pkg": {bundle.Info{Kind: bundle.PKG, ShortVersion: "1.0", BuildVersion: "1.0", Platform: bundle.MacOS, MinimumOS: "10.10"}, undecided},
	} {
		info, err := bundle.InspectFile(filepath.Join(folder, name))
		if err != nil || info.BundleID != "com.example.Sample" || info.Kind != want.info.Kind || info.ShortVersion != want.info.ShortVersion || info.BuildVersion != want.info.BuildVersion || info.Platform != want.info.Platform || info.MinimumOS != want.info.MinimumOS {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
		var rules []string
		for _, f := range bundle.Preflight(info, today) {
			rules = append(rules, f.Rule)
		}
		if !slices.Equal(rules, want.rules) {
			t.Errorf("%s: %v, want %v", name, rules, want.rules)
		}
	}
	watch, err := bundle.InspectFile(filepath.Join(folder, "ContainsWatchApp.ipa"))
	if err != nil || len(watch.Bundles) != 2 || watch.Bundles[1].Kind != bundle.KindWatchApp || watch.Bundles[0].XcodeBuild != "7C68" || watch.Bundles[0].SDK != "iphoneos9.2" {
		t.Errorf("%+v, %v", watch.Bundles, err)
	}
	realProfile(t, filepath.Join(folder, "test.mobileprovision"))
	for name, want := range map[string]string{"no-app-bundle.ipa": "no .app", "not-an-ipa.ipa": "neither", "test.mobileprovision": "neither"} {
		if _, err := bundle.InspectFile(filepath.Join(folder, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func seed(f *testing.F) {
	f.Add(bundletest.IPA(bundletest.IOS(id, "1", "2")))
	f.Add(bundletest.PKG(bundletest.Mac(id, "1", "2")))
	f.Add(bundletest.Xar(bundletest.Distribution(id, "1", "2")))
	f.Add(bundletest.Zip(bundletest.File{Name: "Payload/D.app/Info.plist", Content: bundletest.IOS(id, "1", "2").Encode(bundletest.OldStyle), Stored: true}))
	f.Add(bundletest.Zip(bundletest.File{Name: "Payload/D.app/Info.plist", Content: bundletest.IOS(id, "1", "2").Encode(bundletest.XML), Stored: true}))
	files, _ := filepath.Glob("../../../shared/artifacts/*")
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil {
			f.Add(content)
		}
	}
}

// FuzzInspect checks that no content makes the readers fail in any other way
// than with an Error.
func FuzzInspect(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		info, err := inspect(content)
		var e *bundle.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%T: %v", err, err)
		}
		if err == nil {
			bundle.Preflight(info, today)
		}
	})
}

// realProfile reads a profile that Xcode embedded, inside of a package.
func realProfile(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := bundletest.SignedIOS("tools.fastlane.app", "1.0", "7")
	p.App().Profile = nil
	p.App().Files = append(p.App().Files, bundletest.File{Name: "embedded.mobileprovision", Content: content})
	info, err := inspect(p.IPA())
	if err != nil {
		t.Fatal(err)
	}
	got := info.Bundles[0].Profile
	if got == nil || got.Name != "tools.fastlane.app AppStore" || got.Type != bundle.ProfileAppStore || got.Team != "439BBM9367" || got.AppID != "439BBM9367.tools.fastlane.app" ||
		got.Devices != 0 || got.Expires.Format("2006-01-02") != "2016-11-07" || got.UUID != "98264c6b-5151-4349-8d0f-66691e48ae35" {
		t.Errorf("%+v", got)
	}
}
