// Package report shows what an experiment came to: [HTML] is one page with charts
// and a picture of the overlay, [WriteDir] that page with its figures beside it,
// [Compare] sets two results against each other. [Fields] says of each figure what
// it means and which way is better, for whoever prints them otherwise.
//
// The page is one file: no scripts, no fonts, nothing that is fetched. Charts are
// SVG made here (chart.go: axes; charts.go: what is drawn; overlay.go: the picture),
// light or dark as the reader's system is. Same result and details, same page.
//
// Read page.go first.
package report
