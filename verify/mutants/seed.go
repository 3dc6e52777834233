package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const seedFiles = "verify/mutants/seeds/*.patch"

// seed is one bug and how it is caught.
type seed struct {
	name string
	// bug says what is wrong, run is the command that catches it, say what its output then holds.
	bug, run, say string
	patch         string // absolute path of the file
}

// read returns the seeds whose name holds only, in order of name.
func read(only string) ([]seed, error) {
	files, err := filepath.Glob(seedFiles)
	if err != nil {
		return nil, err
	}
	var seeds []seed
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".patch")
		if !strings.Contains(name, only) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		s, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		s.name = name
		if s.patch, err = filepath.Abs(file); err != nil {
			return nil, err
		}
		seeds = append(seeds, s)
	}
	if len(seeds) == 0 {
		return nil, fmt.Errorf("no seed matches %q; run from the top of the project", only)
	}
	return seeds, nil
}

// parse reads the heading of a seed: every line before the first empty one.
func parse(text string) (seed, error) {
	var s seed
	heading, patch, _ := strings.Cut(text, "\n\n")
	for line := range strings.SplitSeq(heading, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "Bug":
			s.bug = value
		case "Run":
			s.run = value
		case "Says":
			s.say = value
		default:
			return seed{}, fmt.Errorf("the heading holds %q", line)
		}
	}
	if s.bug == "" || s.run == "" || s.say == "" {
		return seed{}, fmt.Errorf("the heading has to say Bug, Run and Says")
	}
	if !strings.HasPrefix(patch, "diff --git ") {
		return seed{}, fmt.Errorf("no patch follows the heading")
	}
	return s, nil
}
