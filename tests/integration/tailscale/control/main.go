// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).

// Command control is a tailnet in one process: the control server of Tailscale's own tests, with a DERP relay and a
// STUN server beside it, for daemons that can reach the given address.
//
// It prints the URL for `tailscale up --login-server` as its first line, then obeys lines on standard input and answers
// each with "ok" or a sentence: "odd HOST" tells the daemon on that machine of peers that are not there, one of every
// kind that real tailnets have. It ends with its standard input.
package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stunserver"
	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

func main() {
	address := flag.String("address", "127.0.0.1", "where to listen, on free ports")
	domain := flag.String("domain", "tail0test.ts.net", "MagicDNS domain of the tailnet")
	authKey := flag.String("auth-key", "", "the key machines have to log in with")
	flag.Parse()
	if err := run(*address, *domain, *authKey); err != nil {
		log.Fatal(err)
	}
}

func run(address, domain, authKey string) error {
	derpMap, err := serveRelay(address)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return err
	}
	control := &testcontrol.Server{
		Logf:             log.Printf,
		DERPMap:          derpMap,
		RequireAuthKey:   authKey,
		MagicDNSDomain:   domain,
		DNSConfig:        &tailcfg.DNSConfig{Proxied: true, Domains: []string{domain}},
		AllNodesSameUser: true,
		AllOnline:        true,
		TagOwners:        map[string][]string{"tag:peerkit": nil},
		ExplicitBaseURL:  "http://" + listener.Addr().String(),
	}
	go func() { log.Fatal(http.Serve(listener, control)) }()

	fmt.Println(control.ExplicitBaseURL)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := obey(control, strings.Fields(lines.Text())); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
	return nil
}

// serveRelay starts DERP and STUN and describes them as the only region there is.
func serveRelay(address string) (*tailcfg.DERPMap, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, err
	}
	relay := httptest.NewUnstartedServer(derpserver.Handler(derpserver.New(key.NewNode(), log.Printf)))
	relay.Listener.Close()
	relay.Listener = listener
	relay.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // DERP is not HTTP/2
	relay.StartTLS()

	stun := stunserver.New(context.Background())
	if err := stun.Listen(net.JoinHostPort(address, "0")); err != nil {
		return nil, err
	}
	go stun.Serve()

	node := &tailcfg.DERPNode{
		Name:             "1a",
		RegionID:         1,
		HostName:         address,
		IPv4:             address,
		IPv6:             "none",
		STUNPort:         int(netip.MustParseAddrPort(stun.LocalAddr().String()).Port()),
		DERPPort:         listener.Addr().(*net.TCPAddr).Port,
		InsecureForTests: true,
		STUNTestIP:       address,
	}
	region := &tailcfg.DERPRegion{RegionID: 1, RegionCode: "test", RegionName: "Test", Nodes: []*tailcfg.DERPNode{node}}
	return &tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{1: region}}, nil
}

func obey(control *testcontrol.Server, words []string) error {
	if len(words) != 2 || words[0] != "odd" {
		return fmt.Errorf("not understood: %q", words)
	}
	for _, node := range control.AllNodes() {
		if host, _, _ := strings.Cut(node.Name, "."); host != words[1] {
			continue
		}
		netmap, err := control.MapResponse(&tailcfg.MapRequest{NodeKey: node.Key})
		if err != nil {
			return err
		}
		netmap.Peers = append(netmap.Peers, oddPeers(control.MagicDNSDomain, node.User)...)
		if !control.AddRawMapResponse(node.Key, netmap) {
			return fmt.Errorf("%q is not connected", words[1])
		}
		return nil
	}
	return fmt.Errorf("no machine is called %q", words[1])
}

// oddPeers has one peer of every kind, called after it.
func oddPeers(domain string, user tailcfg.UserID) []*tailcfg.Node {
	no, yes := false, true
	everywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	mine := func(name string) string { return name + "." + domain + "." }
	kinds := []struct {
		name string
		host tailcfg.Hostinfo
		odd  func(*tailcfg.Node)
	}{
		{mine("plain"), tailcfg.Hostinfo{}, func(n *tailcfg.Node) {}},
		{mine("plain-1"), tailcfg.Hostinfo{Hostname: "plain"}, func(n *tailcfg.Node) {}},
		{mine("untagged"), tailcfg.Hostinfo{}, func(n *tailcfg.Node) { n.Tags = nil }},
		{mine("iphone"), tailcfg.Hostinfo{Hostname: "localhost", OS: "iOS"}, func(n *tailcfg.Node) {}},
		{mine("offline"), tailcfg.Hostinfo{}, func(n *tailcfg.Node) { n.Online = &no }},
		{mine("unknown"), tailcfg.Hostinfo{}, func(n *tailcfg.Node) { n.Online = nil }},
		{mine("expired"), tailcfg.Hostinfo{}, func(n *tailcfg.Node) {
			n.Expired, n.KeyExpiry = true, time.Now().Add(-time.Hour)
		}},
		{mine("logged-out"), tailcfg.Hostinfo{}, func(n *tailcfg.Node) { n.KeyExpiry = time.Unix(123, 0) }},
		{mine("v6-only"), tailcfg.Hostinfo{}, func(n *tailcfg.Node) {
			n.Addresses, n.AllowedIPs = n.Addresses[1:], n.AllowedIPs[1:]
		}},
		{mine("router"), tailcfg.Hostinfo{}, func(n *tailcfg.Node) { n.AllowedIPs = append(n.AllowedIPs, everywhere...) }},
		{mine("own-prefix"), tailcfg.Hostinfo{}, func(n *tailcfg.Node) {
			n.Addresses = []netip.Prefix{netip.MustParsePrefix("10.77.0.9/32")}
			n.AllowedIPs = append(n.Addresses, netip.MustParsePrefix("192.168.7.0/24"))
		}},
		{mine("console"), tailcfg.Hostinfo{Hostname: "tailscale-ssh-console-abc", OS: "js"}, func(n *tailcfg.Node) {}},
		{"us-atl-wg-001.mullvad.ts.net.", tailcfg.Hostinfo{OS: " "}, func(n *tailcfg.Node) {
			n.Tags, n.AllowedIPs = []string{"tag:mullvad-exit-node"}, append(n.AllowedIPs, everywhere...)
			n.IsWireGuardOnly = true
		}},
		{"friend.tail0else.ts.net.", tailcfg.Hostinfo{}, func(n *tailcfg.Node) { n.Sharer, n.User = user+1, user+1 }},
		{"", tailcfg.Hostinfo{Hostname: "device-of-friend", ShareeNode: true}, func(n *tailcfg.Node) { n.User = user + 1 }},
		{"", tailcfg.Hostinfo{Hostname: "funnel-ingress-node", ShareeNode: true}, func(n *tailcfg.Node) {
			n.Tags = []string{"tag:ingress"}
		}},
	}
	var peers []*tailcfg.Node
	for i, kind := range kinds {
		v4 := netip.AddrFrom4([4]byte{100, 99, 0, byte(i + 1)})
		addresses := []netip.Prefix{netip.PrefixFrom(v4, 32), netip.PrefixFrom(tsaddr.Tailscale4To6(v4), 128)}
		if kind.host.Hostname == "" {
			kind.host.Hostname, _, _ = strings.Cut(kind.name, ".")
		}
		kind.host.OS = strings.TrimSpace(cmp.Or(kind.host.OS, "linux"))
		node := &tailcfg.Node{
			ID:                tailcfg.NodeID(1000 + i),
			StableID:          tailcfg.StableNodeID(fmt.Sprintf("nODD%04dCNTRL", i)),
			Name:              kind.name,
			User:              user,
			Key:               key.NewNode().Public(),
			Machine:           key.NewMachine().Public(),
			DiscoKey:          key.NewDisco().Public(),
			MachineAuthorized: true,
			Addresses:         addresses,
			AllowedIPs:        slices.Clone(addresses),
			Hostinfo:          kind.host.View(),
			HomeDERP:          1,
			Online:            &yes,
			Tags:              []string{"tag:peerkit"},
		}
		kind.odd(node)
		peers = append(peers, node)
	}
	return peers
}
