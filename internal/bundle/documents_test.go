package bundle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
)

func listFamilies() map[string]family {
	xml := func(list string, n int) []byte {
		return []byte("<plist><dict><key>CFBundleSupportedPlatforms</key><array>" + strings.Repeat(list, n) + "</array></dict></plist>")
	}
	families := map[string]family{
		"plist: XML deep":         {2000, func(n int) []byte { return []byte(strings.Repeat("<dict><key>a</key>", n)) }, readList},
		"plist: XML dictionaries": {2000, func(n int) []byte { return xml("<dict/>", n) }, readList},
		"plist: XML arrays":       {2000, func(n int) []byte { return xml("<array><string>a</string></array>", n) }, readList},
		"plist: XML strings":      {2000, func(n int) []byte { return xml("<string/>", n) }, readList},
		"plist: XML repeated keys": {2000, func(n int) []byte {
			return []byte("<plist><dict>" + strings.Repeat("<key>CFBundleName</key><string>a</string>", n) + "</dict></plist>")
		}, readList},
		"plist: XML an element": {20_000, func(n int) []byte { return []byte("<plist><" + strings.Repeat("x", n) + "/></plist>") }, readList},
		"plist: XML a number":   {20_000, func(n int) []byte { return []byte("<plist><integer>" + strings.Repeat("9", n) + "</integer></plist>") }, readList},
		"plist: XML entities": {2000, func(n int) []byte {
			return []byte(`<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + string(xml("<string>&amp;&b;</string>", n)))
		}, readList},
		"plist: old-style deep":          {4000, func(n int) []byte { return []byte(strings.Repeat("(", n)) }, readList},
		"plist: old-style dictionaries":  {4000, func(n int) []byte { return []byte("(" + strings.Repeat("{},", n) + ")") }, readList},
		"plist: old-style strings":       {4000, func(n int) []byte { return []byte("{CFBundleIconFiles=(" + strings.Repeat("a,", n) + ");}") }, readList},
		"plist: old-style escapes":       {4000, func(n int) []byte { return []byte(`{a="` + strings.Repeat(`\a`, n) + `";}`) }, readList},
		"plist: old-style repeated keys": {4000, func(n int) []byte { return []byte("{" + strings.Repeat("CFBundleName=a;", n) + "}") }, readList},
		"plist: old-style comments":      {4000, func(n int) []byte { return []byte("{a=" + strings.Repeat("/*\"*/", n) + "b;}") }, readList},
		"plist: old-style wide escapes": {4000, func(n int) []byte {
			return append([]byte{0xfe, 0xff}, strings.Repeat("\x00\"\x00\\\x00a\x22\x01", n)...)
		}, readList},
		"description: references": {2000, sharedList("bundles", 0), func(content []byte, _ budgets) error {
			_, err := ParseDescription(content)
			return err
		}},
		"entitlements: pairs": {1000, pairs, func(content []byte, _ budgets) error {
			e, err := parseEntitlements(content)
			allowed := e["keychain-access-groups"].permits()
			for _, value := range e["other"] {
				allowed(value)
			}
			return err
		}},
	}
	for name, depth := range map[string]int{"plist: binary references": 0, "plist: binary doubled": 20, "plist: binary nested references": 2} {
		families[name] = family{2000, sharedList("CFBundleSupportedPlatforms", depth), readList}
	}
	families["plist: binary deep"] = family{2000, deepList, readList}
	families["plist: binary objects at one place"] = family{2000, crowdedList, readList}
	return families
}

// pairs are entitlements whose values all have to be compared with each other.
func pairs(n int) []byte {
	var given, asked []string
	for i := range n {
		given, asked = append(given, fmt.Sprintf("a%06dx*", i)), append(asked, fmt.Sprintf("a%06dy", i))
	}
	return bundletest.Plist{"keychain-access-groups": given, "other": asked}.Encode(bundletest.Binary)
}

// rawList is a binary list of encoded objects, the first one at the top.
func rawList(places []int, objects []byte) []byte {
	out := append([]byte("bplist00"), objects...)
	start := len(out)
	for _, place := range places {
		out = binary.BigEndian.AppendUint32(out, uint32(8+place))
	}
	out = append(out, 0, 0, 0, 0, 0, 0, 4, 4)
	out = binary.BigEndian.AppendUint64(out, uint64(len(places)))
	out = binary.BigEndian.AppendUint64(out, 0)
	return binary.BigEndian.AppendUint64(out, uint64(start))
}

// container is an encoded array, or a dictionary with keys and values.
func container(tag byte, count int, refs ...uint32) []byte {
	out := binary.BigEndian.AppendUint32([]byte{tag | 0xf, 0x12}, uint32(count))
	for _, ref := range refs {
		out = binary.BigEndian.AppendUint32(out, ref)
	}
	return out
}

// sharedList is a dictionary with a key whose value is an array of n references
// to one array, which has two to another, and so on.
func sharedList(key string, depth int) func(n int) []byte {
	return func(n int) []byte {
		objects := container(0xd0, 1, 1, 2)
		places := []int{0, len(objects)}
		objects = append(objects, 0x5f, 0x10, byte(len(key)))
		objects = append(objects, key...)
		refs := make([]uint32, n)
		for i := range refs {
			refs[i] = 3
		}
		places = append(places, len(objects))
		objects = append(objects, container(0xa0, n, refs...)...)
		for i := range depth {
			places = append(places, len(objects))
			objects = append(objects, container(0xa0, 2, uint32(4+i), uint32(4+i))...)
		}
		places = append(places, len(objects))
		return rawList(places, append(objects, container(0xa0, 0)...))
	}
}

// deepList is arrays in each other.
func deepList(n int) []byte {
	var objects []byte
	var places []int
	for i := range n {
		places = append(places, len(objects))
		objects = append(objects, container(0xa0, 1, uint32(i+1))...)
	}
	places = append(places, len(objects))
	return rawList(places, append(objects, 0x50))
}

// crowdedList is an array of n different strings, which all lie at one place.
func crowdedList(n int) []byte {
	refs := make([]uint32, n)
	for i := range refs {
		refs[i] = uint32(i + 1)
	}
	objects := container(0xa0, n, refs...)
	places := []int{0}
	for range n {
		places = append(places, len(objects))
	}
	objects = append(objects, binary.BigEndian.AppendUint32([]byte{0x6f, 0x12}, uint32(n))...)
	return rawList(places, append(objects, make([]byte, 2*n)...))
}

func programFamilies() map[string]family {
	commands := func(count int, body []byte) []byte {
		var head []byte
		for _, v := range []uint32{0xfeedfacf, 0x0100000c, 0, 2, uint32(count), uint32(len(body)), 0, 0} {
			head = binary.LittleEndian.AppendUint32(head, v)
		}
		return append(head, body...)
	}
	words := func(values ...uint32) (out []byte) {
		for _, v := range values {
			out = binary.LittleEndian.AppendUint32(out, v)
		}
		return out
	}
	repeated := func(one ...uint32) func(int) []byte {
		return func(n int) []byte { return commands(n, bytes.Repeat(words(one...), n)) }
	}
	return map[string]family{
		"Mach-O: empty commands":  {4000, repeated(0, 8), readProgram},
		"Mach-O: minimum systems": {4000, repeated(loadMinIOS, 16, 0x10203, 0x10203), readProgram},
		"Mach-O: libraries":       {4000, repeated(loadDylib, 16, 12, 0x61616161), readProgram},
		"Mach-O: a huge count":    {4000, func(n int) []byte { return commands(1<<32-1, bytes.Repeat(words(0, 8), n)) }, readProgram},
		"Mach-O: overlapping slices": {2000, func(n int) []byte {
			out := binary.BigEndian.AppendUint32(nil, 0xcafebabe)
			out = binary.BigEndian.AppendUint32(out, maxSlices)
			for range maxSlices {
				out = append(out, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa8, 0, 0, 0, 0, 0, 0, 0, 0)
			}
			return append(out, commands(n, bytes.Repeat(words(0, 8), n))...)
		}, readProgram},
		"Mach-O: shared blobs": {2000, sharedBlobs, readProgram},
		"Mach-O: a signature too long": {4000, func(n int) []byte {
			return append(commands(1, words(loadSignature, 16, 48, maxSignature)), make([]byte, n)...)
		}, readProgram},
	}
}

// sharedBlobs is a program whose signature has the same entitlements in each
// slot.
func sharedBlobs(n int) []byte {
	list := []byte("<plist><dict>" + strings.Repeat("<key>a</key><true/>", n) + "</dict></plist>")
	signature := binary.BigEndian.AppendUint32(nil, blobSuper)
	signature = binary.BigEndian.AppendUint32(signature, 0)
	signature = binary.BigEndian.AppendUint32(signature, maxBlobs)
	for range maxBlobs {
		signature = binary.BigEndian.AppendUint32(signature, slotEntitlements)
		signature = binary.BigEndian.AppendUint32(signature, 12+8*maxBlobs)
	}
	signature = binary.BigEndian.AppendUint32(signature, blobEntitlements)
	signature = binary.BigEndian.AppendUint32(signature, uint32(8+len(list)))
	signature = append(signature, list...)
	var head []byte
	for _, v := range []uint32{0xfeedfacf, 0x0100000c, 0, 2, 1, 16, 0, 0, loadSignature, 16, 48, uint32(len(signature))} {
		head = binary.LittleEndian.AppendUint32(head, v)
	}
	return append(head, signature...)
}

func messageFamilies() map[string]family {
	object := func(tag byte, content []byte) []byte {
		length := bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, uint32(len(content))), "\x00")
		return append(append([]byte{tag, 0x80 | byte(len(length))}, length...), content...)
	}
	certificates := func(n int) []byte {
		signed := bundletest.CMS([]byte("x"), bundletest.DistributionIdentity(), false)
		return object(0x30, bytes.Repeat(signed, n))
	}
	return map[string]family{
		"CMS: deep": {4000, func(n int) []byte { return bytes.Repeat([]byte{0x30, 0x80}, n) }, readMessage},
		"CMS: deep lengths": {50, func(n int) []byte {
			out := make([]byte, n)
			for range 50 {
				out = object(0x30, out)
			}
			return out
		}, readMessage},
		"CMS: wide without a length": {4000, func(n int) []byte { return append([]byte{0x30, 0x80}, bytes.Repeat([]byte{5, 1, 1}, n)...) }, readMessage},
		"CMS: wide":                  {4000, func(n int) []byte { return object(0x30, bytes.Repeat([]byte{5, 0}, n)) }, readMessage},
		"CMS: longer than their parents": {6, func(n int) []byte {
			out := []byte{5, 0}
			for range n {
				out = object(0x30, out)
				// The outer one ends behind the header of the inner one.
				_, _, start, _ := derHeader(out, 0)
				out = append([]byte{0x30, byte(start)}, out...)
			}
			return out
		}, readMessage},
		"CMS: empty without a length": {2000, func(n int) []byte { return bytes.Repeat([]byte{0x30, 0x80, 0, 0}, n) }, readMessage},
		"CMS: messages":               {20, certificates, readMessage},
		"CMS: a length of 2 GiB":      {4000, func(n int) []byte { return append([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, make([]byte, n)...) }, readMessage},
		"CMS: a profile": {1000, func(n int) []byte {
			return bundletest.CMS(sharedList("ProvisionedDevices", 1)(n), bundletest.DistributionIdentity(), false)
		}, func(content []byte, _ budgets) error {
			_, err := parseProfile(content)
			return err
		}},
	}
}
