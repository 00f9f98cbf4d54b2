// Package sim differs from system to system.
package sim // want `build constraint on sim_plan9.go`
