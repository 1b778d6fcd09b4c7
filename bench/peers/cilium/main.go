// The cases, done by cilium/ebpf.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
)

const (
	operations = 10_000
	entries    = 100_000
	ringSize   = 200_000
	perfSize   = 2_000
)

func main() {
	step, err := prepare(os.Args[1], os.Args[2])
	if err == nil {
		err = serve(step)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve is what worker/src/lib.rs does for the others.
func serve(step func() error) error {
	fmt.Println("0")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		start := time.Now()
		if err := step(); err != nil {
			return err
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if peak, found := strings.CutPrefix(line, "VmHWM:"); found {
			fmt.Println(strings.TrimSpace(strings.TrimSuffix(peak, " kB")))
		}
	}
	return nil
}

func collection(object []byte, types *btf.Spec) (*ebpf.Collection, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	options := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{KernelTypes: types}}
	return ebpf.NewCollectionWithOptions(spec, options)
}

func load(object []byte, types *btf.Spec) error {
	loaded, err := collection(object, types)
	if err != nil {
		return err
	}
	loaded.Close()
	return nil
}

// probe attaches to functions of the kernel: OBJECT,LIST.
func probe(work, argument string) (func() error, error) {
	path, list, _ := strings.Cut(argument, ",")
	object, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	names, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	functions := strings.Split(string(names), "\n")
	loaded, err := collection(object, nil)
	if err != nil {
		return nil, err
	}
	program := loaded.Programs["at"]
	if work == "kprobe-multi" {
		return func() error {
			probes, err := link.KprobeMulti(program, link.KprobeMultiOptions{Symbols: functions})
			if err != nil {
				return err
			}
			return probes.Close()
		}, nil
	}
	return func() error {
		var links []link.Link
		for _, name := range functions {
			probe, err := link.Kprobe(name, program, nil)
			if err != nil {
				return err
			}
			links = append(links, probe)
		}
		for _, probe := range links {
			if err := probe.Close(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func iterate(path string) (func() error, error) {
	object, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	loaded, err := collection(object, nil)
	if err != nil {
		return nil, err
	}
	iterator, err := link.AttachIter(link.IterOptions{Program: loaded.Programs["each"]})
	if err != nil {
		return nil, err
	}
	return func() error {
		reader, err := iterator.Open()
		if err != nil {
			return err
		}
		defer reader.Close()
		size, err := io.Copy(io.Discard, reader)
		if err == nil && size != 64*entries {
			err = fmt.Errorf("%d bytes", size)
		}
		return err
	}, nil
}

func prepare(work, argument string) (func() error, error) {
	switch work {
	case "kprobe", "kprobes", "kprobe-multi":
		return probe(work, argument)
	case "iterator":
		return iterate(argument)
	case "parse", "load":
		object, err := os.ReadFile(argument)
		if err != nil {
			return nil, err
		}
		if work == "parse" {
			return func() error {
				_, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
				return err
			}, nil
		}
		return func() error {
			return load(object, nil)
		}, nil
	case "load-with-btf":
		path, types, _ := strings.Cut(argument, ",")
		object, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return func() error {
			spec, err := btf.LoadSpec(types)
			if err != nil {
				return err
			}
			return load(object, spec)
		}, nil
	case "btf":
		return func() error {
			spec, err := btf.LoadSpec(argument)
			if err != nil {
				return err
			}
			var task *btf.Struct
			if err := spec.TypeByName("task_struct", &task); err != nil {
				return err
			}
			_, err = btf.Sizeof(task)
			return err
		}, nil
	}

	m, err := ebpf.LoadPinnedMap(argument, nil)
	if err != nil {
		return nil, err
	}
	switch work {
	case "get":
		return func() error {
			var value uint64
			for key := uint32(0); key < operations; key++ {
				if err := m.Lookup(&key, &value); err != nil {
					return err
				}
			}
			return nil
		}, nil
	case "set":
		return func() error {
			value := uint64(1)
			for key := uint32(0); key < operations; key++ {
				if err := m.Put(&key, &value); err != nil {
					return err
				}
			}
			return nil
		}, nil
	case "percpu":
		values := make([]uint64, ebpf.MustPossibleCPU())
		return func() error {
			key := uint32(1)
			for i := 0; i < operations; i++ {
				if err := m.Lookup(&key, &values); err != nil {
					return err
				}
			}
			return nil
		}, nil
	case "iterate":
		keys, values := make([]uint32, 4096), make([]uint64, 4096)
		return func() error {
			var cursor ebpf.MapBatchCursor
			sum, seen := uint64(0), 0
			for {
				count, err := m.BatchLookup(&cursor, keys, values, nil)
				seen += count
				for _, value := range values[:count] {
					sum += value
				}
				if errors.Is(err, ebpf.ErrKeyNotExist) {
					break
				}
				if err != nil {
					return err
				}
			}
			if seen != entries {
				return fmt.Errorf("%d entries", seen)
			}
			return nil
		}, nil
	case "ring":
		reader, err := ringbuf.NewReader(m)
		if err != nil {
			return nil, err
		}
		var record ringbuf.Record
		return func() error {
			for i := 0; i < ringSize; i++ {
				if err := reader.ReadInto(&record); err != nil {
					return err
				}
			}
			return nil
		}, nil
	case "perf":
		reader, err := perf.NewReader(m, 256<<10)
		if err != nil {
			return nil, err
		}
		var record perf.Record
		return func() error {
			for i := 0; i < perfSize; i++ {
				if err := reader.ReadInto(&record); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	return nil, fmt.Errorf("this peer cannot do %s", work)
}
