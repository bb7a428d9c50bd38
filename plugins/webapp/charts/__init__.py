"""Server-side SVG: plain data in, markup out. Looks (colours, textures, dark, print) are in static/charts.css."""
