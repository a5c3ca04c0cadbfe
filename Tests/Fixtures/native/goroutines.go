package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"bufio"
)

//go:noinline
func level(n int, wait func()) int {
	if n == 0 { wait(); return 0 }
	return level(n-1, wait) + 1
}

//go:noinline
func spin(stop *bool) { x := 0; for !*stop { x++ } }

func main() {
	runtime.GOMAXPROCS(4)
	var stop bool
	var group sync.WaitGroup
	for i := 0; i < 2; i++ {
		group.Add(1)
		go func() { level(10, func() { spin(&stop) }) }()
	}
	go func() { runtime.LockOSThread(); level(5, func() { select {} }) }()
	fmt.Printf("ready %d\n", os.Getpid())
	bufio.NewReader(os.Stdin).ReadString('\n')
	level(3, func() { bufio.NewReader(os.Stdin).ReadString('\n') })
}
