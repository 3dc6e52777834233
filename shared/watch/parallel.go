package watch

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// each runs f for every item, at most limit at once, and returns the first error.
func each[T any](ctx context.Context, limit int, items []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := make(chan struct{}, limit)
	var once sync.Once
	var first error
	for _, it := range items {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(ctx, it); err != nil {
				once.Do(func() { first = err; cancel(err) })
			}
		})
	}
	wg.Wait()
	if first == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return first
}

// persist calls write, which reads what it is about to change, until nobody else was faster: at most
// so many times again.
func persist(ctx context.Context, again int, write func() error) error {
	for try := 0; ; try++ {
		err := write()
		if err == nil || try == again || !errors.Is(err, ErrConflict) && !errors.Is(err, ErrAmbiguous) {
			return err
		}
		if err := backOff(ctx, try); err != nil {
			return err
		}
	}
}

// backOff waits before a repetition, longer each time, so that those who met part.
func backOff(ctx context.Context, try int) error {
	return sleep(ctx, rand.N(time.Duration(1<<min(try, 6))*5*time.Millisecond))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// lanes runs f for every item: those with the same key one after the other, in order, the others
// at the same time, at most limit. It returns when all are done.
func lanes[T any](limit int, items []T, key func(T) string, f func(*T)) {
	by := map[string][]*T{}
	var order []string
	for i := range items {
		k := key(items[i])
		if by[k] == nil {
			order = append(order, k)
		}
		by[k] = append(by[k], &items[i])
	}
	slots := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for _, k := range order {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for _, it := range by[k] {
				f(it)
			}
		})
	}
	wg.Wait()
}
