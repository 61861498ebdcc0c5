// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What one message costs memberlist: the twin of bench/micro/dispatch.cpp.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

// pipe is a transport without a network: packets are handed in, and what is sent is counted and dropped.
type pipe struct {
	packets chan *memberlist.Packet
	streams chan net.Conn
	sent    atomic.Int64
}

func (p *pipe) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IPv4(127, 0, 0, 1), 7946, nil
}
func (p *pipe) WriteTo([]byte, string) (time.Time, error) {
	p.sent.Add(1)
	return time.Now(), nil
}
func (p *pipe) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return p.WriteTo(b, a.Addr)
}
func (p *pipe) PacketCh() <-chan *memberlist.Packet { return p.packets }
func (p *pipe) StreamCh() <-chan net.Conn           { return p.streams }
func (p *pipe) DialTimeout(string, time.Duration) (net.Conn, error) {
	return nil, fmt.Errorf("nobody is there")
}
func (p *pipe) DialAddressTimeout(memberlist.Address, time.Duration) (net.Conn, error) {
	return nil, fmt.Errorf("nobody is there")
}
func (p *pipe) Shutdown() error { return nil }

// heard counts every alive message at the moment it is handled.
type heard struct{ count atomic.Int64 }

func (h *heard) NotifyAlive(*memberlist.Node) error {
	h.count.Add(1)
	return nil
}

// The names of memberlist's own messages, which it does not export.
const (
	pingMessage  = 0
	aliveMessage = 4
)

type ping struct {
	SeqNo      uint32
	Node       string
	SourceAddr []byte `codec:",omitempty"`
	SourcePort uint16 `codec:",omitempty"`
	SourceNode string `codec:",omitempty"`
}
type alive struct {
	Incarnation uint32
	Node        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Vsn         []uint8
}

func encoded(kind byte, message any) []byte {
	bytes := []byte{kind}
	var body []byte
	require(codec.NewEncoderBytes(&body, &codec.MsgpackHandle{}).Encode(message) == nil, "a message is not encoded")
	return append(bytes, body...)
}

func micro() map[string]float64 {
	runtime.GOMAXPROCS(1)
	p := &pipe{packets: make(chan *memberlist.Packet), streams: make(chan net.Conn)}
	h := &heard{}
	config := memberlist.DefaultLANConfig()
	config.Name = "node"
	config.Transport = p
	config.Logger = log.New(io.Discard, "", 0)
	config.Alive = h
	// Nothing scheduled: what is measured is dispatch, without a timer in between.
	config.ProbeInterval, config.GossipInterval, config.PushPullInterval = 0, 0, 0
	list := must(memberlist.Create(config))
	require(list != nil, "no node")
	from := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}
	give := func(b []byte) { p.packets <- &memberlist.Packet{Buf: b, From: from, Timestamp: time.Now()} }

	const members = 10000
	announce := func(i int) []byte {
		return encoded(aliveMessage, alive{1, fmt.Sprintf("worker-%06d", i), []byte{10, byte(i >> 16), byte(i >> 8), byte(i)},
			7946, []byte("2.14.3 worker zone=eu-west-1a ok"), []byte{1, 5, 2, 2, 5, 4}})
	}
	// handle gives memberlist all messages, as many at a time as its queue takes, and tells the nanoseconds of each.
	handle := func(messages [][]byte) float64 {
		before := processSeconds()
		for at := 0; at < len(messages); {
			until := h.count.Load()
			end := min(at+512, len(messages))
			until += int64(end - at)
			for ; at < end; at++ {
				give(messages[at])
			}
			for h.count.Load() < until {
				runtime.Gosched()
			}
		}
		return (processSeconds() - before) * 1e9 / float64(len(messages))
	}
	var known [][]byte
	for i := 0; i < members; i++ {
		known = append(known, announce(i))
	}
	fresh := handle(known)
	require(list.NumMembers() >= members, "members are missing")

	var stale, pings []float64
	question := encoded(pingMessage, ping{7, "node", []byte{10, 0, 0, 1}, 7946, "worker-000001"})
	for round := 0; round < 5; round++ {
		stale = append(stale, handle(known))
		const count = 20000
		before, sent := processSeconds(), p.sent.Load()
		for i := 0; i < count; i++ {
			give(question)
		}
		for p.sent.Load() < sent+count {
			runtime.Gosched()
		}
		pings = append(pings, (processSeconds()-before)*1e9/count)
	}
	return map[string]float64{"ping_ns": median(pings), "stale_update_ns": median(stale), "new_member_ns": fresh}
}
