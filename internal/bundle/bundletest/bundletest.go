// Package bundletest builds packages for tests and for testdata: small, made
// from nothing, the same every time.
package bundletest

//go:generate go run ./generate ../../../testdata

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"howett.net/plist"
)

// The formats of a property list.
const (
	Binary   = plist.BinaryFormat
	XML      = plist.XMLFormat
	OldStyle = plist.OpenStepFormat
)

// Plist is the content of a property list.
type Plist map[string]any

// IOS returns the Info.plist of a small iOS app.
func IOS(bundleID, version, build string) Plist {
	return Plist{
		"CFBundleIdentifier": bundleID, "CFBundleShortVersionString": version, "CFBundleVersion": build,
		"CFBundleName": "Demo", "CFBundleDisplayName": "Demo", "CFBundleExecutable": "Demo", "CFBundlePackageType": "APPL",
		"DTPlatformName": "iphoneos", "CFBundleSupportedPlatforms": []string{"iPhoneOS"}, "MinimumOSVersion": "16.0",
		"ITSAppUsesNonExemptEncryption": false,
	}
}

// With returns a copy with one key changed; nil removes it.
func (p Plist) With(key string, value any) Plist {
	out := maps.Clone(p)
	if value == nil {
		delete(out, key)
	} else {
		out[key] = value
	}
	return out
}

// Encode writes the list in a format.
func (p Plist) Encode(format int) []byte {
	content, err := plist.Marshal(map[string]any(p), format)
	if err != nil {
		panic(err) // the test's own data
	}
	return content
}

// A File is one file of an archive.
type File struct {
	Name    string
	Content []byte
	// Stored leaves the content uncompressed in a zip file.
	Stored bool
	// Mode is written where it is not zero.
	Mode fs.FileMode
}

// Zip packs files in their order.
func Zip(files ...File) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	large := deflater{}
	for _, file := range files {
		method := zip.Deflate
		if file.Stored {
			method = zip.Store
		}
		header := &zip.FileHeader{Name: file.Name, Method: method}
		if file.Mode != 0 {
			header.SetMode(file.Mode)
		}
		if len(file.Content) > pieceSize && !file.Stored {
			if err := large.entry(w, header, file.Content); err != nil {
				panic(err) // a buffer does not fail
			}
			continue
		}
		entry, err := w.CreateHeader(header)
		if err == nil {
			_, err = entry.Write(file.Content)
		}
		if err != nil {
			panic(err) // as above
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// IPA packs an app called Demo with that Info.plist, and further files.
func IPA(info Plist, more ...File) []byte {
	files := []File{
		{Name: "Payload/Demo.app/Info.plist", Content: info.Encode(Binary)},
		{Name: "Payload/Demo.app/Demo", Content: []byte("not a program")},
		{Name: "Payload/Demo.app/PkgInfo", Content: []byte("APPL????")},
	}
	return Zip(append(files, more...)...)
}

// Padding is a stored file of a size, for packages of several parts. It
// compresses well, so that it costs a repository nothing.
func Padding(size int) File {
	return File{Name: "Payload/Demo.app/Assets.car", Content: bytes.Repeat([]byte("ascend demo asset\n"), size/18+1)[:size], Stored: true}
}

// Xar packs files, compressed with zlib unless stored.
func Xar(files ...File) []byte { return xar("", files...) }

// SignedXar packs files with the certificate of whoever signed; there is no
// signature to be checked in it.
func SignedXar(by Identity, files ...File) []byte {
	return xar(`<signature style="RSA"><offset>0</offset><size>0</size><KeyInfo><X509Data><X509Certificate>`+base64.StdEncoding.EncodeToString(by.certificate().Raw)+"</X509Certificate></X509Data></KeyInfo></signature>", files...)
}

func xar(signature string, files ...File) []byte {
	var toc, heap bytes.Buffer
	toc.WriteString(xml.Header + "<xar><toc><checksum style=\"sha1\"><offset>0</offset><size>20</size></checksum>" + signature)
	heap.Write(make([]byte, 20))
	for i, file := range files {
		content, style := file.Content, "application/octet-stream"
		if !file.Stored {
			content, style = deflate(content), "application/x-gzip"
		}
		parts := strings.Split(file.Name, "/")
		for _, folder := range parts[:len(parts)-1] {
			fmt.Fprintf(&toc, `<file id="d%d"><type>directory</type><name>%s</name>`, i, folder)
		}
		fmt.Fprintf(&toc, `<file id="%d"><data><length>%d</length><offset>%d</offset><size>%d</size><encoding style="%s"/></data><type>file</type><name>%s</name></file>`,
			i+1, len(content), heap.Len(), len(file.Content), style, parts[len(parts)-1])
		toc.WriteString(strings.Repeat("</file>", len(parts)-1))
		heap.Write(content)
	}
	toc.WriteString("</toc></xar>")
	return append(RawXar(toc.Bytes()), heap.Bytes()...)
}

// RawXar is an archive with that table of contents and nothing behind it.
func RawXar(toc []byte) []byte {
	compressed := deflate(toc)
	header := []byte("xar!")
	header = binary.BigEndian.AppendUint16(header, 28)
	header = binary.BigEndian.AppendUint16(header, 1)
	header = binary.BigEndian.AppendUint64(header, uint64(len(compressed)))
	header = binary.BigEndian.AppendUint64(header, uint64(len(toc)))
	header = binary.BigEndian.AppendUint32(header, 1)
	return append(header, compressed...)
}

func deflate(content []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(content) // a buffer does not fail
	_ = w.Close()
	return out.Bytes()
}

// Cpio packs files in the old portable format that Apple writes.
func Cpio(files ...File) []byte {
	var out bytes.Buffer
	for _, file := range append(slices.Clone(files), File{Name: "TRAILER!!!"}) {
		mode := 0o100644
		switch {
		case file.Mode&fs.ModeSymlink != 0:
			mode = 0o120777
		case file.Mode != 0:
			mode = 0o100000 | int(file.Mode.Perm())
		}
		fmt.Fprintf(&out, "070707%06o%06o%06o%06o%06o%06o%06o%011o%06o%011o%s\x00", 1, 1, mode, 0, 0, 1, 0, 0, len(file.Name)+1, len(file.Content), file.Name)
		out.Write(file.Content)
	}
	return out.Bytes()
}

// Mac returns the Info.plist of a small macOS app.
func Mac(bundleID, version, build string) Plist {
	return Plist{
		"CFBundleIdentifier": bundleID, "CFBundleShortVersionString": version, "CFBundleVersion": build, "CFBundleName": "Demo",
		"CFBundleExecutable": "Demo", "CFBundlePackageType": "APPL", "DTPlatformName": "macosx", "CFBundleSupportedPlatforms": []string{"MacOSX"},
		"LSMinimumSystemVersion": "13.0", "ITSAppUsesNonExemptEncryption": false,
	}
}

// Distribution is a product archive's Distribution for an app called Demo.
func Distribution(bundleID, version, build string) File {
	return File{Name: "Distribution", Content: []byte(fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>
<installer-gui-script minSpecVersion="2">
  <pkg-ref id="%[1]s"><bundle-version>
    <bundle CFBundleShortVersionString="9.9" CFBundleVersion="99" id="%[1]s.helper" path="Demo.app/Contents/Library/Helper.app"/>
    <bundle CFBundleShortVersionString="%[2]s" CFBundleVersion="%[3]s" id="%[1]s" path="Demo.app"/>
  </bundle-version></pkg-ref>
  <product id="%[1]s" version="%[2]s"/>
  <title>Demo</title>
</installer-gui-script>`, bundleID, version, build))}
}

// PKG packs a macOS app called Demo as a product archive.
func PKG(info Plist) []byte {
	text := func(key string) string { s, _ := info[key].(string); return s }
	payload := Gzip(Cpio(
		File{Name: "."}, File{Name: "./Demo.app"},
		File{Name: "./Demo.app/Contents/Library/Helper.app/Contents/Info.plist", Content: Mac(text("CFBundleIdentifier")+".helper", "9.9", "99").Encode(XML)},
		File{Name: "./Demo.app/Contents/MacOS/Demo", Content: []byte("not a program")},
		File{Name: "./Demo.app/Contents/Info.plist", Content: info.Encode(XML)},
	))
	return Xar(
		Distribution(text("CFBundleIdentifier"), text("CFBundleShortVersionString"), text("CFBundleVersion")),
		File{Name: "Demo.pkg/PackageInfo", Content: []byte(fmt.Sprintf(`<pkg-info identifier="%s" version="%s"/>`, text("CFBundleIdentifier"), text("CFBundleShortVersionString")))},
		File{Name: "Demo.pkg/Payload", Content: payload, Stored: true},
	)
}
