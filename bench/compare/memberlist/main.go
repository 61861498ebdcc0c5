// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The twin of bench_live with hashicorp/memberlist: the same scenarios, one line of JSON each.
//
// usage: compare-memberlist join NODES LIMIT | detect NODES KILLS | idle NODES SECONDS | broadcast NODES COUNT | micro
//
// DefaultLANConfig and nothing changed but addresses and the log: not encrypted, nothing signed. All nodes share one
// process and two cores, as those of bench_live do.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

func require(held bool, what string) {
	if !held {
		fmt.Fprintln(os.Stderr, "compare-memberlist:", what)
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	require(err == nil, fmt.Sprint(err))
	return value
}

func processSeconds() float64 {
	var used syscall.Rusage
	require(syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil, "no rusage")
	of := func(t syscall.Timeval) float64 { return float64(t.Sec) + 1e-6*float64(t.Usec) }
	return of(used.Utime) + of(used.Stime)
}

// counted is memberlist's own transport; it counts what is handed to sockets.
type counted struct {
	*memberlist.NetTransport
	packets, bytes *atomic.Int64
	streams        chan net.Conn
}

type countedConn struct {
	net.Conn
	bytes *atomic.Int64
}

func (c countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.bytes.Add(int64(n))
	return n, err
}

func (t *counted) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	t.packets.Add(1)
	t.bytes.Add(int64(len(b)))
	return t.NetTransport.WriteToAddress(b, a)
}
func (t *counted) WriteTo(b []byte, addr string) (time.Time, error) {
	return t.WriteToAddress(b, memberlist.Address{Addr: addr})
}
func (t *counted) DialAddressTimeout(a memberlist.Address, d time.Duration) (net.Conn, error) {
	conn, err := t.NetTransport.DialAddressTimeout(a, d)
	if err != nil {
		return nil, err
	}
	return countedConn{conn, t.bytes}, nil
}
func (t *counted) DialTimeout(addr string, d time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: addr}, d)
}
func (t *counted) StreamCh() <-chan net.Conn { return t.streams }

// node is one member. It passes on every broadcast it has not seen, as Serf does.
type node struct {
	of      *cluster
	number  int
	list    *memberlist.Memberlist
	queue   memberlist.TransmitLimitedQueue
	alive   int
	full    bool
	mutex   sync.Mutex
	seen    map[uint32]bool
	crashed atomic.Bool
}

func (n *node) NotifyJoin(*memberlist.Node) { n.change(+1) }
func (n *node) NotifyLeave(who *memberlist.Node) {
	n.change(-1)
	if !n.crashed.Load() {
		n.of.died(n, who.Name)
	}
}
func (n *node) NotifyUpdate(*memberlist.Node) {}
func (n *node) change(by int) {
	n.alive += by
	n.of.pair(by)
	full := n.alive == n.of.wanted
	if full != n.full {
		n.full = full
		n.of.count(full)
	}
}

func (n *node) NodeMeta(int) []byte           { return []byte("2.14.3 worker zone=eu-west-1a ok") }
func (n *node) LocalState(bool) []byte        { return nil }
func (n *node) MergeRemoteState([]byte, bool) {}
func (n *node) GetBroadcasts(overhead, limit int) [][]byte {
	return n.queue.GetBroadcasts(overhead, limit)
}
func (n *node) NotifyMsg(m []byte) {
	if len(m) < 4 {
		return
	}
	id := uint32(m[0])<<24 | uint32(m[1])<<16 | uint32(m[2])<<8 | uint32(m[3])
	n.mutex.Lock()
	known := n.seen[id]
	n.seen[id] = true
	n.mutex.Unlock()
	if known {
		return
	}
	n.of.delivered(id)
	n.queue.QueueBroadcast(payload(append([]byte(nil), m...)))
}

type payload []byte

func (p payload) Invalidates(memberlist.Broadcast) bool { return false }
func (p payload) Message() []byte                       { return p }
func (p payload) Finished()                             {}

type death struct {
	killed, first, last time.Time
	told                int
}

type cluster struct {
	wanted         int
	packets, bytes atomic.Int64
	nodes          []*node

	mutex     sync.Mutex
	pairs     int
	most      time.Time // when 99 of 100 pairs knew each other
	complete  int
	completed time.Time
	deaths    map[string]*death
	false_    int
	arrived   map[uint32]int
	last      map[uint32]time.Time
}

func (c *cluster) pair(by int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.pairs += by
	if c.most.IsZero() && c.pairs*100 >= c.wanted*c.wanted*99 {
		c.most = time.Now()
	}
}
func (c *cluster) count(full bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if full {
		c.complete++
	} else {
		c.complete--
	}
	c.completed = time.Now()
}
func (c *cluster) died(by *node, name string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	d := c.deaths[name]
	if d == nil {
		c.false_++
		return
	}
	d.last = time.Now()
	if d.told == 0 {
		d.first = d.last
	}
	d.told++
}
func (c *cluster) delivered(id uint32) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.arrived[id]++
	c.last[id] = time.Now()
}

func makeCluster(size int) *cluster {
	c := &cluster{wanted: size, deaths: map[string]*death{}, arrived: map[uint32]int{}, last: map[uint32]time.Time{}}
	silent := log.New(io.Discard, "", 0)
	for i := 0; i < size; i++ {
		n := &node{of: c, number: i, seen: map[uint32]bool{}}
		n.queue.NumNodes = func() int { return size }
		n.queue.RetransmitMult = memberlist.DefaultLANConfig().RetransmitMult
		under := must(memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{"127.0.0.1"}, BindPort: 0, Logger: silent}))
		t := &counted{under, &c.packets, &c.bytes, make(chan net.Conn)}
		go func() {
			for conn := range under.StreamCh() {
				t.streams <- countedConn{conn, &c.bytes}
			}
		}()
		config := memberlist.DefaultLANConfig()
		config.Name = "n" + strconv.Itoa(i)
		config.BindAddr = "127.0.0.1"
		config.BindPort = under.GetAutoBindPort()
		config.AdvertisePort = config.BindPort
		config.Transport = t
		config.Logger = silent
		config.Events = n
		config.Delegate = n
		n.list = must(memberlist.Create(config))
		c.nodes = append(c.nodes, n)
	}
	return c
}

// join lets all nodes join through the first one, eight at a time, which suits memberlist better than all at once, and
// returns when every node sees all; the time runs from the first call. After the limit it tells how many do.
func (c *cluster) join(limit time.Duration) map[string]float64 {
	seed := fmt.Sprintf("127.0.0.1:%d", c.nodes[0].list.LocalNode().Port)
	begun := time.Now()
	var waits sync.WaitGroup
	slots := make(chan bool, 8)
	for _, n := range c.nodes[1:] {
		waits.Add(1)
		slots <- true
		go func() {
			defer waits.Done()
			for {
				if _, err := n.list.Join([]string{seed}); err == nil {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			<-slots
		}()
	}
	waits.Wait()
	for {
		c.mutex.Lock()
		complete, at, most := c.complete, c.completed, c.most
		c.mutex.Unlock()
		if complete == c.wanted || time.Since(begun) > limit {
			took := at.Sub(begun)
			if complete != c.wanted {
				took = limit
			}
			return map[string]float64{"all_see_all_s": took.Seconds(), "complete": float64(complete),
				"most_pairs_s": most.Sub(begun).Seconds()}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func median(values []float64) float64 { return quantile(values, 0.5) }
func quantile(values []float64, q float64) float64 {
	sort.Float64s(values)
	at := int(q * float64(len(values)))
	if at >= len(values) {
		at = len(values) - 1
	}
	return values[at]
}

func join(nodes, limit int) map[string]float64 {
	before := processSeconds()
	c := makeCluster(nodes)
	figures := c.join(time.Duration(limit) * time.Second)
	figures["cpu_ms_per_node"] = (processSeconds() - before) * 1e3 / float64(nodes)
	figures["bytes_per_node"] = float64(c.bytes.Load()) / float64(nodes)
	return figures
}

func detect(nodes, kills int) map[string]float64 {
	c := makeCluster(nodes)
	c.join(time.Minute)
	time.Sleep(3 * time.Second)
	var names []string
	for i := nodes - kills; i < nodes; i++ {
		n := c.nodes[i]
		names = append(names, n.list.LocalNode().Name)
		n.crashed.Store(true)
	}
	for i, name := range names {
		c.mutex.Lock()
		c.deaths[name] = &death{killed: time.Now()}
		c.mutex.Unlock()
		go c.nodes[nodes-kills+i].list.Shutdown()
		time.Sleep(1500 * time.Millisecond)
	}
	var firsts, alls []float64
	for _, name := range names {
		for began := time.Now(); ; {
			c.mutex.Lock()
			d := *c.deaths[name]
			c.mutex.Unlock()
			if d.told >= nodes-kills {
				firsts = append(firsts, d.first.Sub(d.killed).Seconds())
				alls = append(alls, d.last.Sub(d.killed).Seconds())
				break
			}
			require(time.Since(began) < 2*time.Minute, "not everybody knows of a crash")
			time.Sleep(20 * time.Millisecond)
		}
	}
	return map[string]float64{"first_s": median(firsts), "all_s": median(alls), "false_dead": float64(c.false_)}
}

func idle(nodes, seconds int) map[string]float64 {
	c := makeCluster(nodes)
	c.join(time.Minute)
	time.Sleep(30 * time.Second)
	packets, bytes, processor, begun := c.packets.Load(), c.bytes.Load(), processSeconds(), time.Now()
	time.Sleep(time.Duration(seconds) * time.Second)
	per := time.Since(begun).Seconds() * float64(nodes)
	return map[string]float64{"cpu_ms_per_s": (processSeconds() - processor) * 1e3 / per,
		"bytes_per_s":     float64(c.bytes.Load()-bytes) / per,
		"datagrams_per_s": float64(c.packets.Load()-packets) / per}
}

// broadcast tells all nodes 256 bytes, again and again, from a different node each time.
func broadcast(nodes, count int) map[string]float64 {
	c := makeCluster(nodes)
	c.join(time.Minute)
	time.Sleep(3 * time.Second)
	var took []float64
	missed := 0
	for i := 0; i < count; i++ {
		id := uint32(i + 1)
		m := make([]byte, 256)
		m[0], m[1], m[2], m[3] = byte(id>>24), byte(id>>16), byte(id>>8), byte(id)
		begun := time.Now()
		c.nodes[i*7%nodes].NotifyMsg(m)
		for {
			c.mutex.Lock()
			arrived, last := c.arrived[id], c.last[id]
			c.mutex.Unlock()
			if arrived == nodes {
				took = append(took, last.Sub(begun).Seconds()*1e3)
				break
			}
			if time.Since(begun) > 10*time.Second {
				missed += nodes - arrived
				took = append(took, 10000) // it is at least that
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	return map[string]float64{"p50_ms": median(took), "p99_ms": quantile(took, 0.99), "missed": float64(missed)}
}

func main() {
	runtime.GOMAXPROCS(2)
	number := func(i int) int {
		require(len(os.Args) > i, "an argument is missing")
		return must(strconv.Atoi(os.Args[i]))
	}
	require(len(os.Args) > 1, "usage: join NODES LIMIT | detect NODES KILLS | idle NODES SECONDS | broadcast NODES COUNT | micro")
	var figures map[string]float64
	switch os.Args[1] {
	case "join":
		figures = join(number(2), number(3))
	case "detect":
		figures = detect(number(2), number(3))
	case "idle":
		figures = idle(number(2), number(3))
	case "broadcast":
		figures = broadcast(number(2), number(3))
	case "micro":
		figures = micro()
	default:
		require(false, "no such scenario: "+os.Args[1])
	}
	fmt.Println(string(must(json.Marshal(figures))))
}
