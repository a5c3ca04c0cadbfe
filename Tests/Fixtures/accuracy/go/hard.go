// hard, in Go: threads that are blocked in system calls and in C, below goroutines of every kind.
// Goroutines that wait in the scheduler have no thread and are no part of this.
package main

/*
#include <unistd.h>

typedef int (*callback)(int);
int goCallback(int);

static int hold_in_c(void) {
    for (;;) pause();
}

static __attribute__((noinline)) int through_c(int depth) {
    return depth == 0 ? hold_in_c() : through_c(depth - 1) + 1;
}

static __attribute__((noinline)) int back_to_go(int value) {
    return goCallback(value) + 1;
}
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"syscall"
)

var ends [2]int

// Blocks in read(2), on a pipe that nobody writes to.
//
//go:noinline
func hold() int {
	var buffer [1]byte
	count, _ := syscall.Read(ends[0], buffer[:])
	return count
}

//export goCallback
func goCallback(value C.int) C.int {
	return C.int(hold()) + value
}

type pricer interface{ price(depth int) int }

type product struct{ name string }

//go:noinline
func (p *product) price(depth int) int {
	if depth == 0 {
		return hold()
	}
	return p.price(depth-1) + len(p.name)
}

type wrapped struct{ product }

type words []string

func (w words) Len() int           { return len(w) }
func (w words) Less(i, j int) bool { return hold() == 0 && w[i] < w[j] }
func (w words) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }

//go:noinline
func generic[T int | string](value T, call func(T) int) int {
	return call(value) + 1
}

//go:noinline
func deep(left int) int {
	if left == 0 {
		return hold()
	}
	var room [64]int
	room[left%64] = deep(left - 1)
	return room[left%64] + 1
}

//go:noinline
func deferred() (result int) {
	defer func() {
		result = hold()
	}()
	return 1
}

//go:noinline
func recovering(values []int) (result int) {
	defer func() {
		if recover() != nil {
			result = hold()
		}
	}()
	return values[len(values)]
}

func main() {
	C.alarm(120)
	if err := syscall.Pipe(ends[:]); err != nil {
		panic(err)
	}
	scenes := []func(){
		func() { hold() },
		func() { var item pricer = &wrapped{product{"item"}}; item.price(3) },
		func() { sort.Sort(words{"b", "a"}) },
		func() { generic("text", func(text string) int { return hold() + len(text) }) },
		func() { deep(1000) },
		func() { deferred() },
		func() { recovering(nil) },
		func() { C.through_c(3) },
		func() { C.back_to_go(3) },
	}
	for _, scene := range scenes {
		go func(body func()) {
			runtime.LockOSThread()
			body()
		}(scene)
	}
	waitForThreads(len(scenes))
	fmt.Printf("ready %d\n", os.Getpid())
	var buffer [1]byte
	for {
		if count, err := syscall.Read(0, buffer[:]); count <= 0 && err != syscall.EINTR {
			os.Exit(0)
		}
	}
}
