// Reps is described here. want-here `does not begin with "Package reps "`
package reps
