package bundle

import (
	"encoding/xml"
	"errors"
	"fmt"
)

// A tocReader reads the table of contents of a xar archive as a stream, so that
// it ends where a bound is passed, not after all has been taken in.
type tocReader struct {
	archive *xarArchive
	decoder *xml.Decoder
	// paths is what the paths of all files may take together: each has in it
	// the names of all its folders.
	paths      *budget
	nodes      []tocNode
	signatures int
}

// A tocNode is a file or a folder. Its name may come after what it holds.
type tocNode struct {
	parent     int // -1 at the top
	name, kind string
	data       tocData
	holds      bool
}

type tocData struct {
	Offset   int64 `xml:"offset"`
	Length   int64 `xml:"length"`
	Encoding struct {
		Style string `xml:"style,attr"`
	} `xml:"encoding"`
}

// maxXarSignatures bounds how many signatures are looked at for a certificate.
const maxXarSignatures = 8

// read fills the archive's list of files and its signer.
func (t *tocReader) read() error {
	for {
		token, err := t.decoder.Token()
		if err != nil {
			return cutOff(err)
		}
		if _, ok := token.(xml.StartElement); ok {
			break
		}
	}
	err := t.children(func(element xml.StartElement) error {
		if element.Name.Local != "toc" {
			return t.decoder.Skip()
		}
		return t.children(func(element xml.StartElement) error {
			switch element.Name.Local {
			case "file":
				return t.file(-1, 0)
			case "signature":
				return t.signature(element)
			}
			return t.decoder.Skip()
		})
	})
	if err != nil {
		return err
	}
	return t.list()
}

// children calls visit for each element in the current one. Visit reads to its
// end.
func (t *tocReader) children(visit func(xml.StartElement) error) error {
	for {
		token, err := t.decoder.Token()
		if err != nil {
			return cutOff(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := visit(token); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

func (t *tocReader) file(parent, depth int) error {
	switch {
	case depth > maxXarDepth:
		return errors.New("it is nested too deeply")
	case len(t.nodes) >= maxXarFiles:
		return errors.New("it has too many files")
	}
	number := len(t.nodes)
	t.nodes = append(t.nodes, tocNode{parent: parent})
	return t.children(func(element xml.StartElement) error {
		node := &t.nodes[number]
		switch element.Name.Local {
		case "name":
			return t.decoder.DecodeElement(&node.name, &element)
		case "type":
			return t.decoder.DecodeElement(&node.kind, &element)
		case "data":
			return t.decoder.DecodeElement(&node.data, &element)
		case "file":
			node.holds = true
			return t.file(number, depth+1)
		}
		return t.decoder.Skip()
	})
}

func (t *tocReader) signature(element xml.StartElement) error {
	t.archive.signed = true
	if t.signatures++; t.archive.signer != nil || t.signatures > maxXarSignatures {
		return t.decoder.Skip()
	}
	var s xarSignature
	if err := t.decoder.DecodeElement(&s, &element); err != nil {
		return err
	}
	if len(s.Certificates) > 0 {
		t.archive.signer = s.certificate()
	}
	return nil
}

// list makes the archive's files of the nodes. Folders come before what they
// hold.
func (t *tocReader) list() error {
	paths := make([]string, len(t.nodes))
	for i, node := range t.nodes {
		length := len(node.name)
		if node.parent >= 0 {
			length += len(paths[node.parent]) + 1
		}
		switch {
		case length > maxPath:
			return errLongPath
		case t.paths.spend(int64(length)) != nil:
			return errors.New("the paths in it take more than the table itself")
		}
		if paths[i] = node.name; node.parent >= 0 {
			paths[i] = paths[node.parent] + "/" + node.name
		}
		if node.kind != "file" && (node.kind != "" || node.holds) {
			continue
		}
		e := xarEntry{path: paths[i], offset: node.data.Offset, length: node.data.Length, style: node.data.Encoding.Style}
		room := t.archive.size - t.archive.heap
		if e.offset < 0 || e.length < 0 || e.offset > room || e.length > room-e.offset {
			return fmt.Errorf("%s lies outside of the file: the package is cut off", clip(e.path))
		}
		t.archive.files = append(t.archive.files, e)
	}
	return nil
}
