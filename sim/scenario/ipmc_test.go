package scenario

import "testing"

// TestIPMC: on one switch an item is sent once and reaches every host once; with
// losses all get it nevertheless.
func TestIPMC(t *testing.T) {
	res := mustRun(t, Scenario{Topology: "lan:50", Protocol: "ipmc", Items: 50}, Options{Check: true})
	if res.DeliveryRatio != 1 || res.Copies != 1 || res.Sends != 1 {
		t.Errorf("delivered %v, %v copies a host, %v sends an item; want 1 of each", res.DeliveryRatio, res.Copies, res.Sends)
	}
	res = mustRun(t, Scenario{Topology: "lan:50", Protocol: "ipmc", Items: 50, Loss: 0.1, Codec: true}, Options{Check: true})
	if res.DeliveryRatio != 1 || res.Sends > 5 {
		t.Errorf("with losses: delivered %v, %v sends an item", res.DeliveryRatio, res.Sends)
	}
}
