package gossip
import ("os";"strconv")
var zzm = map[string]float64{}
func zz(k string) float64 { if v, ok := zzm[k]; ok {return v}; v, _ := strconv.ParseFloat(os.Getenv(k), 64); zzm[k]=v; return v }
