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

// maxFile bounds what the parser is given, whose stack grows with it.
const maxFile = 1 << 20

// A loader reads the files of a Set. It goes on after an error, so that all of them are told.
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
			l.fail(name, errors.New("is neither in a folder named for a key nor a partial, _NAME.tmpl"))
		}
	}
	common := l.partials(".", shared)
	s.templates = make(map[string]*channels, len(folders))
	for _, key := range folders {
		s.templates[key] = l.key(key, common)
	}
	if len(folders) == 0 && len(l.errs) == 0 {
		return errors.New("template: there is no folder named for a key")
	}
	return errors.Join(l.errs...)
}

// fail records what is wrong with the file.
func (l *loader) fail(file string, err error) {
	l.errs = append(l.errs, fmt.Errorf("template: %s: %w", file, err))
}

// list returns the names in dir that do not start with a dot.
func (l *loader) list(dir string) (files, folders []string) {
	entries, err := fs.ReadDir(l.fsys, dir)
	if err != nil {
		l.fail(dir, err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		info, err := fs.Stat(l.fsys, name) // follows links, which mounted volumes are made of
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
		l.fail(file, errors.New("is larger than 1 MiB"))
	case !utf8.Valid(b):
		l.fail(file, errors.New("is not UTF-8"))
	default:
		return strings.TrimPrefix(string(b), "\ufeff"), true
	}
	return "", false
}

// key loads the folder of a key.
func (l *loader) key(key string, common partials) *channels {
	names, folders := l.list(key)
	for _, name := range folders {
		l.fail(path.Join(key, name), errors.New("is a folder in a folder; keys stand at the top (fs.Sub cuts off what is above)"))
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
		l.fail(key, errors.New("has no parts, such as default.text.tmpl"))
	}
	return c
}

// sources sorts the files of a key by variant and part.
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
			l.fail(file, errors.New("is for the same channel and locale as "+other))
		}
		sources[at][part] = file
	}
	return sources
}

// parseName takes a name such as email.zh-Hans.text.tmpl or sms.approved.json apart.
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
		return slot{}, "", errors.New("is not named CHANNEL[.LOCALE].PART.tmpl, .approved.json or .extra.json, nor a partial, _NAME.tmpl")
	case !slices.Contains(strings.Fields(wanted), part):
		return slot{}, "", fmt.Errorf("has an unknown part %q; known are %s", part, strings.ReplaceAll(wanted, " ", ", "))
	case len(fields) == 3 && !isLocale(fields[1]):
		return slot{}, "", fmt.Errorf("has a bad locale %q", fields[1])
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
			l.fail(file, errors.New("stands alone: what goes with it, such as a text, is not taken from another variant"))
		}
	}
	return v
}
