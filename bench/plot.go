package main

import (
	"errors"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// palette holds colors that color-blind readers can tell apart (Okabe and Ito). The first is notify's.
var palette = []color.Color{
	color.RGBA{86, 180, 233, 255}, color.RGBA{230, 159, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255},
	color.RGBA{240, 228, 66, 255},
}

// thick is the width of a bar, step the distance between the middles of two bars.
const (
	thick = vg.Length(40)
	step  = vg.Length(48)
)

// panelHeight is the height of a panel, widest the maximum width of a line of panels, and margin the free space on each side of a
// panel.
const (
	panelHeight = 4 * vg.Inch
	widest      = 12 * vg.Inch
	margin      = vg.Length(8)
)

// A tile is a panel with its position, from the top left.
type tile struct {
	*plot.Plot
	x, y, width vg.Length
}

// draw plots the findings of a group, with a panel for each scale and set of contenders, side by side.
func draw(f finding, file string) error {
	plot.DefaultFont.Variant, plotter.DefaultFont.Variant = "Sans", "Sans"
	var tiles []tile
	var x, y, width vg.Length
	for _, rows := range f.panels() {
		p, err := panel(rows)
		if err != nil {
			return err
		}
		own := vg.Length(p.X.Max-p.X.Min)*step + 1.5*vg.Inch
		if x > 0 && x+own > widest {
			x, y = 0, y+panelHeight
		}
		tiles = append(tiles, tile{p, x, y, own})
		x += own
		width = max(width, x)
	}
	canvas := vgimg.New(width, y+panelHeight)
	all := vgdraw.New(canvas)
	for _, t := range tiles {
		t.Draw(vgdraw.Crop(all, t.x+margin, t.x+t.width-width-margin, y-t.y+margin, -t.y-margin))
	}
	return save(canvas, file)
}

func save(canvas *vgimg.Canvas, file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = vgimg.PngCanvas{Canvas: canvas}.WriteTo(out)
	return errors.Join(err, out.Close())
}

// panels returns the rows of each panel: the tasks with the same scale and contenders.
func (f finding) panels() (panels [][]row) {
	at := make(map[string]int)
	for from := 0; from < len(f.rows); {
		to, kind := from, f.rows[from].scale.name
		for ; to < len(f.rows) && f.rows[to].task == f.rows[from].task && f.rows[to].scale.name == f.rows[from].scale.name; to++ {
			kind += "\n" + f.rows[to].who
		}
		i, ok := at[kind]
		if !ok {
			i = len(panels)
			at[kind], panels = i, append(panels, nil)
		}
		panels[i] = append(panels[i], f.rows[from:to]...)
		from = to
	}
	return panels
}

// panel plots, for each task and contender, a bar up to the median and a line between the quartiles.
func panel(rows []row) (*plot.Plot, error) {
	p := plot.New()
	p.Y.Label.Text, p.Y.Min = rows[0].scale.name, 0
	p.Y.Tick.Marker = plainTicks{}
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, 2
	colors := make(map[string]color.Color)
	var ticks plot.ConstantTicks
	x := 0.0
	for i, r := range rows {
		if i > 0 && r.task != rows[i-1].task {
			x += 0.5 // a gap
		}
		first := colors[r.who] == nil
		if first {
			colors[r.who] = palette[len(colors)%len(palette)]
		}
		bar, err := addBar(p, r, x, colors[r.who])
		if err != nil {
			return nil, err
		}
		if first {
			p.Legend.Add(r.who, bar)
		}
		ticks = tick(ticks, r.task, x)
		x++
	}
	p.X.Min, p.X.Max = -0.5, x-0.5
	p.X.Tick.Marker, p.X.Tick.Length, p.X.LineStyle.Width = ticks, 0, 0
	p.Y.Max *= 1.1 + 0.1*float64(len(colors)) // room for the legend
	return p, nil
}

// plainTicks are the default ticks, with numbers formatted as in the tables.
type plainTicks struct{}

func (plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i, t := range ticks {
		if t.Label != "" {
			ticks[i].Label = number(t.Value)
		}
	}
	return ticks
}

// addBar draws one bar at x, with its value.
func addBar(p *plot.Plot, r row, x float64, fill color.Color) (*plotter.BarChart, error) {
	low, mid, high := r.found.low, r.found.mid, r.found.high
	bar, err := plotter.NewBarChart(plotter.Values{mid}, thick)
	if err != nil {
		return nil, err
	}
	bar.XMin, bar.Color, bar.LineStyle.Width = x, fill, 0
	at := plotter.XYs{{X: x, Y: mid}}
	half, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		plotter.YErrors
	}{at, plotter.YErrors{{Low: mid - low, High: high - mid}}})
	if err != nil {
		return nil, err
	}
	at = plotter.XYs{{X: x, Y: high}}
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: at, Labels: []string{r.scale.print(mid)}})
	if err != nil {
		return nil, err
	}
	label.TextStyle[0].XAlign, label.Offset.Y = text.XCenter, 4
	p.Add(bar, half, label)
	return bar, nil
}

// tick puts the name of the task under the middle of the task's bars. Each further bar moves the name by half a step.
func tick(ticks plot.ConstantTicks, task string, x float64) plot.ConstantTicks {
	if last := len(ticks) - 1; last >= 0 && ticks[last].Label == task {
		ticks[last].Value += 0.5
		return ticks
	}
	return append(ticks, plot.Tick{Value: x, Label: task})
}
