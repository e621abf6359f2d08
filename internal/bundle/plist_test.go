package bundle

import (
	"testing"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
)

func FuzzInfoPlist(f *testing.F) {
	list := bundletest.IOS("com.example.demo", "1.2.0", "42")
	for _, format := range []int{bundletest.Binary, bundletest.XML, bundletest.OldStyle} {
		f.Add(list.Encode(format))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if p, err := parseInfoPlist(content); err == nil {
			_ = p.fill(&Info{}) // an error is as good as none
		}
	})
}
