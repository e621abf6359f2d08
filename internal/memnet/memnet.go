// Package memnet is a network in memory for tests in a bubble of
// testing/synctest, where time stands still while anything waits for a real
// one. Its connections behave like TCP's: they buffer, they can be reset, and
// they have deadlines.
package memnet

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// A Network connects those who dial with those who listen. The zero value has
// nobody.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	next      int
}

// Listen listens at an address of its own on 127.0.0.1.
func (n *Network) Listen() net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next++
	l := &listener{network: n, address: address(fmt.Sprintf("127.0.0.1:%d", n.next)), queue: make(chan net.Conn), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = map[string]*listener{}
	}
	n.listeners[string(l.address)] = l
	return l
}

// DialContext opens a connection to a listener.
func (n *Network) DialContext(ctx context.Context, _, to string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[to]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: "memory", Addr: address(to), Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	near, far := pipe(l.address)
	select {
	case l.queue <- far:
		return near, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// address is where somebody listens.
type address string

// Network implements [net.Addr].
func (address) Network() string { return "memory" }

// String implements [net.Addr].
func (a address) String() string { return string(a) }

type listener struct {
	network *Network
	address address
	queue   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.queue:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, string(l.address))
		l.network.mu.Unlock()
		close(l.closed)
	})
	return nil
}

func (l *listener) Addr() net.Addr { return l.address }
