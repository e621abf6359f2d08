package bundle

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
)

// The library that reads property lists follows every reference of a binary
// one each time it is met, keeps a thousand bytes ready for each dictionary,
// and copies an old-style string at each escape. What would take more than
// memory and time in proportion to the content is refused before it is given
// to the library.

const (
	// A list may hold containersAtLeast arrays and dictionaries, and one more
	// for each containerBytes.
	containersAtLeast = 1024
	containerBytes    = 64
	// Unfolded, a binary list may take unfoldedFor bytes for each of its own,
	// where each value counts for unfoldedCost: keys are written once, and
	// referred to.
	unfoldedAtLeast = 64 << 10
	unfoldedAtMost  = 16 << 20
	unfoldedFor     = 32
	unfoldedCost    = 16
	// What escapes in old-style strings may copy.
	escapesAtLeast = 1 << 20
	escapesFor     = 64
)

var (
	errPlistNesting = errors.New("the property list is nested too deeply")
	errPlistUnfolds = errors.New("the property list is too large when its references are followed")
	errPlistMany    = errors.New("the property list has too many arrays and dictionaries")
	errPlistDamaged = errors.New("not a property list: its table of objects is damaged")
)

// checkPlist refuses lists that would take more time or memory than any real
// one. What is wrong otherwise is left to the library to say.
func checkPlist(content []byte) error {
	if bytes.HasPrefix(content, []byte("bplist")) {
		return checkBinaryPlist(content)
	}
	isXML, err := checkXMLPlist(content)
	if isXML || err != nil {
		return err
	}
	return checkOldPlist(content)
}

func maxContainers(content []byte) int { return containersAtLeast + len(content)/containerBytes }

// checkXMLPlist follows the elements of a list. isXML tells whether the
// library takes the content for XML.
func checkXMLPlist(content []byte) (isXML bool, err error) {
	decoder := xml.NewDecoder(bytes.NewReader(content))
	depth, containers := 0, 0
	for {
		token, err := decoder.Token()
		if err != nil {
			return isXML, nil
		}
		switch token := token.(type) {
		case xml.StartElement:
			switch token.Name.Local {
			case "dict", "array":
				containers++
			case "plist", "string", "integer", "real", "true", "false", "date", "data":
			default:
				if !isXML {
					return false, nil
				}
			}
			isXML = true
			depth++
		case xml.EndElement:
			depth--
		}
		switch {
		case depth > maxNesting:
			return true, errPlistNesting
		case containers > maxContainers(content):
			return true, errPlistMany
		}
	}
}

// checkOldPlist counts in an old-style list what opens a container, in strings
// as well, and what each escape copies: all of its string before it.
func checkOldPlist(content []byte) error {
	containers, copied, start := 0, 0, 0
	// Where characters have two bytes, a quotation mark may be half of another
	// one, so strings are taken for longer than they are.
	wide := len(content) >= 2 && (content[0] == 0 || content[1] == 0 || content[0] >= 0xfe && content[1] >= 0xfe)
	for at := 0; at < len(content); at++ {
		switch content[at] {
		case '(', '{':
			containers++
		case '"':
			if !wide {
				start = at
			}
		case '\\':
			copied += at - start
			if !wide {
				at++ // what is escaped ends no string
			}
		}
	}
	switch {
	case containers > maxContainers(content):
		return errPlistMany
	case copied > escapesAtLeast+escapesFor*len(content):
		return errors.New("the property list has too many escapes in its strings")
	}
	return nil
}

// A binaryPlist is the table of objects of a binary list.
type binaryPlist struct {
	content             []byte
	objects, table      uint64
	refSize, offsetSize uint64
	// unfolded has what each object takes with all that it refers to: 0 if that
	// is not known yet, -1 while it is being found out.
	unfolded []int64
	limit    int64
	// encoded is what the objects take in the file, which is more than the file
	// if they share bytes.
	encoded uint64
}

func checkBinaryPlist(content []byte) error {
	const header, trailer = 8, 32
	if len(content) < header+trailer {
		return errPlistDamaged
	}
	end := content[len(content)-trailer:]
	p := &binaryPlist{
		content: content, offsetSize: uint64(end[6]), refSize: uint64(end[7]),
		objects: binary.BigEndian.Uint64(end[8:]), table: binary.BigEndian.Uint64(end[24:]),
		limit: min(unfoldedAtMost, unfoldedAtLeast+unfoldedFor*int64(len(content))),
	}
	body := uint64(len(content) - trailer)
	if p.table > body || p.offsetSize-1 > 7 || p.refSize-1 > 7 || p.objects > (body-p.table)/p.offsetSize {
		return errPlistDamaged
	}
	p.unfolded = make([]int64, p.objects)
	_, err := p.measure(binary.BigEndian.Uint64(end[16:]), 0)
	return err
}

// number reads a big-endian number.
func (p *binaryPlist) number(at, size uint64) (n uint64, ok bool) {
	if at > p.table || size > p.table-at {
		return 0, false
	}
	for _, b := range p.content[at : at+size] {
		n = n<<8 | uint64(b)
	}
	return n, true
}

// object returns where an object's values are, and how many bytes or, of a
// container, references it has.
func (p *binaryPlist) object(index uint64) (kind byte, at, count uint64, ok bool) {
	place := p.table + index*p.offsetSize
	for _, b := range p.content[place : place+p.offsetSize] {
		at = at<<8 | uint64(b)
	}
	if at >= p.table {
		return 0, 0, 0, false
	}
	tag := p.content[at]
	kind, count = tag&0xf0, uint64(tag&0xf)
	at++
	switch kind {
	case 0x40, 0x50, 0x60, 0xa0, 0xc0, 0xd0:
	case 0x10, 0x20:
		return kind, at, 1 << min(count, 8), true
	default:
		return kind, at, 8, true // at most, of what has one size
	}
	if count == 0xf {
		tag, read := p.number(at, 1)
		size := uint64(1) << (tag & 0xf)
		if !read || size > 8 {
			return 0, 0, 0, false
		}
		if count, ok = p.number(at+1, size); !ok {
			return 0, 0, 0, false
		}
		at += 1 + size
	}
	if count > p.table {
		return 0, 0, 0, false
	}
	switch kind {
	case 0x60: // two bytes for each character
		count *= 2
	case 0xd0: // keys and values
		count *= 2
	}
	return kind, at, count, true
}

// measure returns what an object takes with all that it refers to.
func (p *binaryPlist) measure(index uint64, depth int) (int64, error) {
	switch {
	case index >= p.objects:
		return 0, errPlistDamaged
	case depth > maxNesting:
		return 0, errPlistNesting
	case p.unfolded[index] > 0:
		return p.unfolded[index], nil
	case p.unfolded[index] < 0:
		return 0, errors.New("the property list refers to itself")
	}
	kind, at, count, ok := p.object(index)
	if !ok {
		return 0, errPlistDamaged
	}
	container := kind == 0xa0 || kind == 0xc0 || kind == 0xd0
	size := count
	if container {
		size *= p.refSize
	}
	// Objects lie behind each other, so that together they are no longer than
	// the file.
	if p.encoded += 1 + size; p.encoded > 2*uint64(len(p.content)) {
		return 0, errPlistUnfolds
	}
	total := int64(unfoldedCost)
	if !container {
		total += int64(size)
		p.unfolded[index] = total
		return total, nil
	}
	p.unfolded[index] = -1
	for i := range count {
		ref, ok := p.number(at+i*p.refSize, p.refSize)
		if !ok {
			return 0, errPlistDamaged
		}
		inner, err := p.measure(ref, depth+1)
		if err != nil {
			return 0, err
		}
		if total += inner; total > p.limit {
			return 0, errPlistUnfolds
		}
	}
	p.unfolded[index] = total
	return total, nil
}
