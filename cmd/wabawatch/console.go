package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// console is a publisher that prints alerts as they would be sent.
type console struct {
	mu     sync.Mutex
	out    io.Writer
	writer notify.Writer
}

// Publish prints a parcel.
func (c *console) Publish(_ context.Context, p quality.Parcel) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := fmt.Fprintln(c.out, c.writer.Lines(p))
	return err
}

// Ready is always true: somebody reads the log.
func (c *console) Ready(context.Context) (bool, error) { return true, nil }

// both publishes to a topic and, once that was accepted, prints.
type both struct {
	topic watch.Publisher
	*console
}

// Publish publishes, then prints.
func (b both) Publish(ctx context.Context, p quality.Parcel) error {
	if err := b.topic.Publish(ctx, p); err != nil {
		return err
	}
	// The topic has it: failing to print must not send it again.
	_ = b.console.Publish(ctx, p)
	return nil
}

// Ready asks the topic.
func (b both) Ready(ctx context.Context) (bool, error) { return b.topic.Ready(ctx) }
