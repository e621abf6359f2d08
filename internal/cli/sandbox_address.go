package cli

import (
	"net"
	"strings"

	"github.com/urfave/cli/v2"
)

// sandboxAddress reads where the sandbox listens. It hands its key to whoever
// asks, so only this machine reaches it unless that is wanted, and then not in
// plain text. A name is resolved here, so that what is checked is what is used.
func sandboxAddress(c *cli.Context, flag string) (string, error) {
	address := strings.TrimSpace(c.String(flag))
	if address == "" {
		return "127.0.0.1:0", nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", usagef("such as 127.0.0.1:8080, or 127.0.0.1:0 for a free port", "--%s %q is no address with a port", flag, address)
	}
	if c.Bool("expose") {
		if !c.Bool("tls") && c.String("tls-ca-file") == "" {
			return "", usagef("add --tls", "--expose takes --tls: other machines would send keys and packages in plain text")
		}
		return address, nil
	}
	var addresses []net.IPAddr
	if ip := net.ParseIP(host); ip != nil {
		addresses = []net.IPAddr{{IP: ip}}
	} else if host != "" {
		if addresses, err = net.DefaultResolver.LookupIPAddr(c.Context, host); err != nil {
			return "", usagef("such as 127.0.0.1:8080", "--%s: %v", flag, err)
		}
	}
	for _, a := range addresses {
		if !a.IP.IsLoopback() {
			addresses = nil
			break
		}
	}
	if len(addresses) == 0 {
		return "", usagef("such as 127.0.0.1:8080; --expose --tls lets other machines reach the sandbox", "--%s %q is not on loopback: every machine of the network could use the sandbox", flag, address)
	}
	chosen := addresses[0]
	for _, a := range addresses {
		if a.IP.To4() != nil {
			chosen = a // the one that clients try
			break
		}
	}
	return net.JoinHostPort(chosen.String(), port), nil
}
