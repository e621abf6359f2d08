package cli

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"
)

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "show the version of ascend",
		Flags: outputFlags()[:1],
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if c.Bool("json") {
				return p.Streams.JSON(map[string]string{"version": p.Version, "commit": p.Commit, "date": p.Date, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			_, err := fmt.Fprintf(p.Streams.Out, "ascend %s\n", p.Version)
			return err
		},
	}
}
