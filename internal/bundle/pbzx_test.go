package bundle

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/ulikunitz/xz"
)

// TestXzStreamsOfEveryKindAreRead has streams as xz writes them, with all kinds
// of checksum, several blocks, and content that it leaves as it is.
func TestXzStreamsOfEveryKindAreRead(t *testing.T) {
	content := make([]byte, 300_000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content[:200_000]) // never fails
	for name, config := range map[string]xz.WriterConfig{
		"CRC-64": {}, "CRC-32": {CheckSum: xz.CRC32}, "SHA-256": {CheckSum: xz.SHA256}, "none": {NoCheckSum: true},
		"blocks": {BlockSize: 10_000, DictCap: 1 << 16, CheckSum: xz.SHA256}, "a large dictionary": {DictCap: maxXzDictionary},
	} {
		t.Run(name, func(t *testing.T) {
			var packed bytes.Buffer
			w, err := config.NewWriter(&packed)
			if err == nil {
				_, err = w.Write(content)
			}
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(&pbzxReader{r: bytes.NewReader(pbzxOf(packed.Bytes()))})
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestXzStreamsThatAskForTooMuchAreRefused(t *testing.T) {
	for name, stream := range map[string][]byte{
		"4 GiB": xzOf(40), "128 MiB": xzOf(30), "many blocks of 64 MiB": xzBlocks(28, 2), "many blocks of 8 MiB": xzBlocks(22, 20),
	} {
		if _, err := io.ReadAll(&pbzxReader{r: bytes.NewReader(pbzxOf(stream))}); !errors.Is(err, errTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := io.ReadAll(&pbzxReader{r: bytes.NewReader(pbzxOf(xzOf(28)))}); err != nil {
		t.Errorf("64 MiB: %v", err)
	}
	for _, cut := range []int{7, 12, 14, 20, 26, 32} {
		if _, err := io.ReadAll(&pbzxReader{r: bytes.NewReader(pbzxOf(xzOf(20)[:cut]))}); err == nil || errors.Is(err, errTooLarge) {
			t.Errorf("cut off at %d: %v", cut, err)
		}
	}
}
