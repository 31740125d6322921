package main

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// palette holds colours that everybody can tell apart (Okabe and Ito); the first is ours.
var palette = []color.Color{
	color.RGBA{86, 180, 233, 255}, color.RGBA{230, 159, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255},
}

// thick is a bar's width, and step that from one bar's middle to the next one's.
const (
	thick = vg.Length(40)
	step  = vg.Length(48)
)

// draw plots the times of a group: for each task, a bar for each contender up to the median, and a line along the middle half.
func draw(f finding, file string) error {
	plot.DefaultFont.Variant, plotter.DefaultFont.Variant = "Sans", "Sans"
	p := plot.New()
	p.Title.Text, p.Y.Label.Text, p.Y.Min = f.name, f.symbol(), 0
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, 2
	colors := make(map[string]color.Color)
	var ticks plot.ConstantTicks
	x := 0.0
	for i, r := range f.rows {
		if i > 0 && r.task != f.rows[i-1].task {
			x += 0.5 // a gap
		}
		first := colors[r.who] == nil
		if first {
			colors[r.who] = palette[len(colors)%len(palette)]
		}
		bar, err := addBar(p, f, r, x, colors[r.who])
		if err != nil {
			return err
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
	return p.Save(vg.Length(x)*step+1.5*vg.Inch, 4*vg.Inch, file)
}

// addBar draws one bar with its value at x.
func addBar(p *plot.Plot, f finding, r row, x float64, fill color.Color) (*plotter.BarChart, error) {
	low, mid, high := f.scaled(r.took.low), f.scaled(r.took.mid), f.scaled(r.took.high)
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
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: at, Labels: []string{number(mid)}})
	if err != nil {
		return nil, err
	}
	label.TextStyle[0].XAlign, label.Offset.Y = text.XCenter, 4
	p.Add(bar, half, label)
	return bar, nil
}

// tick puts the task's name under the middle of its bars. A next bar moves it by half a step.
func tick(ticks plot.ConstantTicks, task string, x float64) plot.ConstantTicks {
	if last := len(ticks) - 1; last >= 0 && ticks[last].Label == task {
		ticks[last].Value += 0.5
		return ticks
	}
	return append(ticks, plot.Tick{Value: x, Label: task})
}
