package template

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// The maximum size of a file. The stack of the parser grows with the file.
const maxFile = 1 << 20

// A loader reads the files of a Set. It continues after an error, so that all errors are reported.
type loader struct {
	set  *Set
	fsys fs.FS
	errs []error
}

func (s *Set) load(fsys fs.FS) error {
	if err := checkFuncs(s.o.Funcs); err != nil {
		return err
	}
	l := &loader{set: s, fsys: fsys}
	files, folders := l.list(".")
	var shared []string
	for _, name := range files {
		if isPartial(name) {
			shared = append(shared, name)
		} else {
			l.fail(name, errors.New("must be in a folder named after a key, or be a partial (_NAME.tmpl)"))
		}
	}
	common := l.partials(".", shared)
	s.templates = make(map[string]*channels, len(folders))
	for _, key := range folders {
		s.templates[key] = l.key(key, common)
	}
	if len(folders) == 0 && len(l.errs) == 0 {
		return errors.New("template: at least one folder named after a key is required")
	}
	return errors.Join(l.errs...)
}

// fail records an error about the file.
func (l *loader) fail(file string, err error) {
	l.errs = append(l.errs, fmt.Errorf("template: %s: %w", file, err))
}

// list returns the names in dir, except for those that start with a dot.
func (l *loader) list(dir string) (files, folders []string) {
	entries, err := fs.ReadDir(l.fsys, dir)
	if err != nil {
		l.fail(dir, err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		info, err := fs.Stat(l.fsys, name) // follows symbolic links, such as those in Kubernetes volumes
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case err != nil:
			l.fail(name, err)
		case info.IsDir():
			folders = append(folders, e.Name())
		default:
			files = append(files, e.Name())
		}
	}
	return files, folders
}

// read returns the text of the file. On failure, read records the error and returns false.
func (l *loader) read(file string) (string, bool) {
	f, err := l.fsys.Open(file)
	if err != nil {
		l.fail(file, err)
		return "", false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		l.fail(file, err)
	case len(b) > maxFile:
		l.fail(file, errors.New("must be at most 1 MiB"))
	case !utf8.Valid(b):
		l.fail(file, errors.New("must be UTF-8"))
	default:
		return strings.TrimPrefix(string(b), "\ufeff"), true
	}
	return "", false
}

// key loads the folder of a key. common are the partials of all keys.
func (l *loader) key(key string, common partials) *channels {
	names, folders := l.list(key)
	for _, name := range folders {
		l.fail(path.Join(key, name), errors.New("must not be a folder inside a folder: keys are top-level folders (use fs.Sub to drop a folder above them)"))
	}
	var own, files []string
	for _, name := range names {
		if isPartial(name) {
			own = append(own, name)
		} else {
			files = append(files, name)
		}
	}
	p := l.partials(key, own)
	p = partials{text: overlay(common.text, p.text), html: overlay(common.html, p.html)}
	sources := l.sources(key, files)
	c := &channels{of: map[string]*locales{}}
	for _, at := range slices.SortedFunc(maps.Keys(sources), slot.compare) {
		c.add(at, l.variant(key, at, sources[at], p))
	}
	if len(files)+len(folders) == 0 {
		l.fail(key, errors.New("must contain a part, such as default.text.tmpl"))
	}
	return c
}

// sources returns the files of a key by slot and part.
func (l *loader) sources(key string, files []string) map[slot]map[string]string {
	sources := map[slot]map[string]string{}
	for _, name := range files {
		file := path.Join(key, name)
		at, part, err := parseName(name)
		if err != nil {
			l.fail(file, err)
			continue
		}
		if sources[at] == nil {
			sources[at] = map[string]string{}
		}
		if other, ok := sources[at][part]; ok {
			l.fail(file, errors.New("must not have the same channel, locale and part as "+other))
		}
		sources[at][part] = file
	}
	return sources
}

// parseName splits a name such as email.zh-Hans.text.tmpl or sms.approved.json into slot and part.
func parseName(name string) (at slot, part string, err error) {
	stem, isTemplate := strings.CutSuffix(name, ".tmpl")
	stem, isJSON := strings.CutSuffix(stem, ".json")
	fields := strings.Split(stem, ".")
	part = fields[len(fields)-1]
	wanted := partNames
	if isJSON {
		wanted = "approved extra"
	}
	switch {
	case isTemplate == isJSON || strings.HasPrefix(name, "_") || len(fields) < 2 || len(fields) > 3:
		return slot{}, "", errors.New("must be named CHANNEL[.LOCALE].PART.tmpl, CHANNEL[.LOCALE].approved.json, CHANNEL[.LOCALE].extra.json or, for a partial, _NAME.tmpl")
	case !slices.Contains(strings.Fields(wanted), part):
		return slot{}, "", fmt.Errorf("unknown part %q: must be one of %s", part, strings.ReplaceAll(wanted, " ", ", "))
	case len(fields) == 3 && !IsLocale(fields[1]):
		return slot{}, "", fmt.Errorf("the locale %q must be a BCP 47 tag, such as zh-Hans", fields[1])
	}
	at.channel = fields[0]
	if len(fields) == 3 {
		at.locale = canonical(fields[1])
	}
	return at, part, nil
}

// variant loads the files of one variant.
func (l *loader) variant(key string, at slot, files map[string]string, p partials) *variant {
	v := &variant{name: path.Join(key, strings.TrimSuffix(at.channel+"."+at.locale, "."))}
	for _, name := range strings.Fields(partNames) {
		if file, ok := files[name]; ok {
			if text, ok := l.read(file); ok {
				v.parts = append(v.parts, part{name, l.fragment(v, file, text, name == "html", p)})
			}
		}
	}
	if file, ok := files["approved"]; ok {
		l.approved(v, file, p)
	}
	if file, ok := files["extra"]; ok {
		l.extra(v, file, p)
		if len(files) == 1 {
			l.fail(file, errors.New("must accompany another part, such as a text, for the same channel and locale: variants are never mixed"))
		}
	}
	return v
}
