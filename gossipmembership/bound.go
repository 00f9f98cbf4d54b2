package gossipmembership

// Bound is how many neighbours a view with this configuration has at most: MaxActive,
// and Overflow more that are newcomers.
func (c ViewConfig) Bound() int {
	c = c.withDefaults()
	return c.MaxActive + c.Overflow
}
