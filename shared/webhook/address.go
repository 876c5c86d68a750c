package webhook

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// longestURL bounds the registry, which has one secret's room.
const longestURL = 1024

// CheckURL returns nil, or an error that says what is wrong with the URL of a
// webhook. A local stack takes http on the loopback address as well.
func CheckURL(raw string, local bool) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || len(raw) > longestURL || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("it must look like https://receiver.example/path")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	literal := err == nil
	loopback := strings.EqualFold(u.Hostname(), "localhost") || literal && ip.Unmap().IsLoopback()
	switch {
	case u.User != nil:
		return errors.New("it must not hold a name or a password: the signature proves who calls")
	case u.Fragment != "":
		return errors.New("it must not have a part after #")
	case u.Scheme == "http" && local && loopback:
		return nil
	case u.Scheme != "https":
		return errors.New("it must begin with https://")
	case loopback && !local, literal && !loopback && !IsPublic(ip):
		return ErrPrivate
	}
	return nil
}

// ErrPrivate means that a host is no address of the public internet.
var ErrPrivate = errors.New("its host is no public address: a webhook must not lead into a private network")

// MayReach tells whether a call may connect to an address. Only the dialled
// address counts: a name may lead elsewhere than when it was added.
func MayReach(ip netip.Addr, local bool) bool {
	return IsPublic(ip) || local && ip.Unmap().IsLoopback()
}

// IsPublic tells whether the address is one of the public internet, by the
// registries of IANA for special-purpose addresses.
func IsPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	if ip.Is6() && !netip.MustParsePrefix("2000::/3").Contains(ip) {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", // 6to4 and Teredo hold an address of version 4
	} {
		if netip.MustParsePrefix(special).Contains(ip) {
			return false
		}
	}
	return true
}
