// Package unlisted is nowhere in the table.
package unlisted // want `not in the table of layers: give it a row`
