package bundle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strings"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
)

// A family is hostile input of any size: the same again and again, n times.
type family struct {
	// n is how often at least.
	n    int
	make func(n int) []byte
	read func(content []byte, spend budgets) error
}

func readPackage(content []byte, spend budgets) error {
	info, err := inspectWithin("hostile", bytes.NewReader(content), int64(len(content)), spend)
	if err == nil {
		Preflight(info, farFuture())
	}
	return err
}

func readList(content []byte, _ budgets) error {
	_, err := parseInfoPlist(content)
	return err
}

func readProgram(content []byte, spend budgets) error {
	readExecutable(bytes.NewReader(content), int64(len(content)), 1<<40, spend.signatures)
	return nil
}

func readMessage(content []byte, _ budgets) error {
	_, _, err := parseCMS(content)
	return err
}

// app is an .ipa with these files in its app, named after their numbers, none
// of them compressed.
func app(n int, file func(i int) bundletest.File) []byte {
	files := []bundletest.File{{Name: "Payload/Demo.app/Info.plist", Content: iconPlist()}}
	for i := range n {
		f := file(i)
		f.Name, f.Stored = "Payload/Demo.app/"+f.Name, true
		files = append(files, f)
	}
	return bundletest.Zip(files...)
}

// iconPlist names fifty icons.
func iconPlist() []byte {
	var icons []string
	for range maxIcons {
		icons = append(icons, "A")
	}
	return bundletest.IOS("com.example.demo", "1", "1").With("CFBundleIconFiles", icons).Encode(bundletest.Binary)
}

func zipFamilies() map[string]family {
	long := strings.Repeat("x", 900)
	named := func(format string, content []byte) func(int) []byte {
		return func(n int) []byte {
			return app(n, func(i int) bundletest.File { return bundletest.File{Name: fmt.Sprintf(format, i), Content: content} })
		}
	}
	small := bundletest.Plist{"CFBundleIdentifier": "a.b"}.Encode(bundletest.XML)
	return map[string]family{
		"zip: wide":       {4000, named("f%d", nil), readPackage},
		"zip: long names": {400, named(long+"%d", nil), readPackage},
		"zip: deep":       {400, named(strings.Repeat("d/", 100)+"%d", nil), readPackage},
		"zip: deeper than the bound": {400, func(n int) []byte {
			return app(1, func(int) bundletest.File { return bundletest.File{Name: strings.Repeat("d/", n) + "x"} })
		}, readPackage},
		"zip: bundles in bundles": {400, named(strings.Repeat("a.app/", 100)+"%d", nil), readPackage},
		"zip: one name":           {4000, named("Demo", []byte("\xcf\xfa\xed\xfe")), readPackage},
		"zip: one library":        {4000, named("a.dylib", bundletest.Program{}.Encode()), readPackage},
		"zip: icons in folders":   {4000, named("A%d/x", nil), readPackage},
		"zip: icons":              {4000, named("A%d", nil), readPackage},
		"zip: bundles":            {150, named("F%d.framework/Info.plist", small), readPackage},
		"zip: links": {2000, func(n int) []byte {
			return app(n, func(i int) bundletest.File {
				return bundletest.File{Name: fmt.Sprint(i), Content: []byte("x"), Mode: fs.ModeSymlink | 0o777}
			})
		}, readPackage},
		"zip: shared data": {200, overlapping, readPackage},
	}
}

// overlapping is an .ipa whose files lie in each other: each one's content is
// all those behind it.
func overlapping(n int) []byte {
	var local, directory []byte
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("Payload/Demo.app/F%d.framework/Info.plist", i))
	}
	names = append(names, "Payload/Demo.app/Info.plist")
	kernel := iconPlist()
	total := len(kernel)
	for _, name := range names {
		total += zipLocalLength + len(name)
	}
	for _, name := range names {
		offset := len(local)
		size := uint32(total - offset - zipLocalLength - len(name))
		head := binary.LittleEndian.AppendUint32(nil, zipLocalSignature)
		head = append(head, make([]byte, 14)...)
		head = binary.LittleEndian.AppendUint32(head, size)
		head = binary.LittleEndian.AppendUint32(head, size)
		head = binary.LittleEndian.AppendUint16(head, uint16(len(name)))
		local = append(append(local, append(head, 0, 0)...), name...)
		entry := binary.LittleEndian.AppendUint32(nil, zipDirectorySignature)
		entry = append(entry, make([]byte, 16)...)
		entry = binary.LittleEndian.AppendUint32(entry, size)
		entry = binary.LittleEndian.AppendUint32(entry, size)
		entry = binary.LittleEndian.AppendUint16(entry, uint16(len(name)))
		entry = append(entry, make([]byte, 12)...)
		entry = binary.LittleEndian.AppendUint32(entry, uint32(offset))
		directory = append(append(directory, entry...), name...)
	}
	out := append(append(local, kernel...), directory...)
	end := binary.LittleEndian.AppendUint32(nil, zipEndSignature)
	end = append(end, make([]byte, 8)...)
	end = binary.LittleEndian.AppendUint32(end, uint32(len(directory)))
	end = binary.LittleEndian.AppendUint32(end, uint32(len(out)-len(directory)))
	return append(append(out, end...), 0, 0)
}

// table is a xar archive with that table of contents, and a heap.
func table(toc string, heap []byte) []byte {
	return append(bundletest.RawXar([]byte("<xar><toc>"+toc+"</toc></xar>")), heap...)
}

func xarFamilies() map[string]family {
	const file = "<file><name>%s</name><type>file</type></file>"
	shared := func(name string, content []byte) func(int) []byte {
		return func(n int) []byte {
			one := fmt.Sprintf("<file><name>%s</name><type>file</type><data><offset>0</offset><length>%d</length></data></file>", name, len(content))
			return table(strings.Repeat(one, n), content)
		}
	}
	info := "<pkg-info>" + strings.Repeat("<bundle/>", 2000) + "</pkg-info>"
	return map[string]family{
		"xar: wide": {1000, func(n int) []byte { return table(strings.Repeat(fmt.Sprintf(file, "a"), n), nil) }, readPackage},
		"xar: deep": {1000, func(n int) []byte {
			return table(strings.Repeat("<file><name>a</name>", n)+strings.Repeat("</file>", n), nil)
		}, readPackage},
		"xar: a long folder": {1000, func(n int) []byte {
			return table("<file><name>"+strings.Repeat("x", n)+"</name><type>directory</type>"+strings.Repeat(fmt.Sprintf(file, "a"), n)+"</file>", nil)
		}, readPackage},
		"xar: a folder below the bound": {1000, func(n int) []byte {
			return table("<file><name>"+strings.Repeat("x", 1000)+"</name><type>directory</type>"+strings.Repeat(fmt.Sprintf(file, "a"), n)+"</file>", nil)
		}, readPackage},
		"xar: repeated names": {2000, func(n int) []byte {
			return table("<file>"+strings.Repeat("<name>a</name><data><length>0</length></data>", n)+"</file>", nil)
		}, readPackage},
		"xar: shared PackageInfo":    {200, shared("PackageInfo", []byte(info)), readPackage},
		"xar: shared Payload":        {200, shared("Payload", bundletest.Gzip(bundletest.Cpio(bundletest.File{Name: "a", Content: make([]byte, 1<<20)}))), readPackage},
		"xar: signatures":            {1000, func(n int) []byte { return table(strings.Repeat("<signature/>", n), nil) }, readPackage},
		"xar: a table of one letter": {1000, func(n int) []byte { return table(strings.Repeat(" ", n*100), nil) }, readPackage},
	}
}

// payload is a package with a payload that is not compressed.
func payload(content []byte) []byte {
	return bundletest.Xar(bundletest.File{Name: "PackageInfo", Content: []byte("<pkg-info/>")}, bundletest.File{Name: "Payload", Content: content, Stored: true})
}

func payloadFamilies() map[string]family {
	files := func(format string, content []byte) func(int) []byte {
		return func(n int) []byte {
			var all []bundletest.File
			for i := range n {
				all = append(all, bundletest.File{Name: fmt.Sprintf(format, i), Content: content})
			}
			return payload(bundletest.Cpio(append(all, bundletest.File{Name: "Demo.app/Contents/Info.plist", Content: bundletest.Mac("a.b", "1", "1").Encode(bundletest.XML)})...))
		}
	}
	chunks := func(chunk []byte) func(int) []byte {
		return func(n int) []byte {
			one := binary.BigEndian.AppendUint64(nil, 1)
			one = binary.BigEndian.AppendUint64(one, uint64(len(chunk)))
			return payload(append(append([]byte("pbzx"), make([]byte, 8)...), bytes.Repeat(append(one, chunk...), n)...))
		}
	}
	return map[string]family{
		"cpio: wide":       {4000, files("a%d", nil), readPackage},
		"cpio: long names": {400, files(strings.Repeat("x", 900)+"%d", nil), readPackage},
		"cpio: deep":       {400, files(strings.Repeat("d/", 100)+"%d", nil), readPackage},
		"cpio: one name":   {4000, files("Demo.app/x%.0s", []byte("12345678")), readPackage},
		"cpio: programs":   {1000, files("Demo.app/%d", bundletest.Program{}.Encode()), readPackage},
		"cpio: lists":      {1000, files("Demo.app/F%d.framework/Info.plist", []byte("<plist/>")), readPackage},
		"cpio: a long name": {100_000, func(n int) []byte {
			return payload(bundletest.Cpio(bundletest.File{Name: strings.Repeat("x", min(n, 1<<17))}))
		}, readPackage},
		"pbzx: empty chunks":  {4000, chunks(nil), readPackage},
		"pbzx: small streams": {400, chunks(xzOf(0x16)), readPackage},
		"pbzx: many blocks":   {400, func(n int) []byte { return payload(pbzxOf(xzBlocks(0x16, n))) }, readPackage},
		"pbzx: 4 GiB asked":   {400, chunks(xzOf(40)), readPackage},
		"gzip: empty members": {4000, func(n int) []byte { return payload(bytes.Repeat(bundletest.Gzip(nil), n)) }, readPackage},
	}
}

func pbzxOf(chunk []byte) []byte {
	out := append([]byte("pbzx"), make([]byte, 16)...)
	return append(binary.BigEndian.AppendUint64(out, uint64(len(chunk))), chunk...)
}

func xzOf(dictionary byte) []byte { return xzBlocks(dictionary, 1) }

// xzBlocks is an xz stream of n blocks with one byte each, which ask for a
// dictionary.
func xzBlocks(dictionary byte, n int) []byte {
	sum := func(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }
	out := append([]byte(xzMagic), binary.LittleEndian.AppendUint32([]byte{0, 0}, crc32.ChecksumIEEE([]byte{0, 0}))...)
	index := binary.AppendUvarint([]byte{0}, uint64(n))
	for range n {
		out = append(out, sum([]byte{2, 0, 0x21, 1, dictionary, 0, 0, 0})...)
		out = append(out, 1, 0, 0, 'x', 0, 0, 0, 0)
		index = append(index, 12+5, 1)
	}
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = sum(index)
	out = append(out, index...)
	footer := append(binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1)), 0, 0)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(footer))
	return append(append(out, footer...), "YZ"...)
}
