package topology
import ("testing";"os";"fmt";"time";"runtime";"math/rand/v2";"slices";"math")
func TestTry(t *testing.T){
 for _,d:=range []string{"grid5000","internet951"} {
  s:=time.Now(); x,err:=Load(os.DirFS("/work/shared/topologies"),d); fmt.Println(d,err,time.Since(s)); if err!=nil {continue}
  fmt.Println(len(x.Hosts),x.Locations(),x.Validate(), x.RTT(0,1),x.RTT(0,950))
  if d=="grid5000" { g:=grid5000(); diff:=0; for i:=range g.Hosts { a,b:=g.Hosts[i],x.Hosts[i]; if a.Addr!=b.Addr {diff++; b.Addr=a.Addr}; if fmt.Sprint(a)!=fmt.Sprint(b) {t.Fatal(a,b)}; for j:=range g.Hosts { if g.RTT(i,j)!=x.RTT(i,j) {t.Fatal(i,j)} } }; fmt.Println("addr diff",diff) }
 }
 for _,sp:=range []string{"lognormal:1000","lognormal:100000","king:1740","king:100000"} {
  for seed:=uint64(1);seed<5;seed++ {
  rng:=rand.New(rand.NewPCG(seed,1))
  var m0,m1 runtime.MemStats; runtime.GC(); runtime.ReadMemStats(&m0); s:=time.Now()
  x,err:=Named(sp,rng); el:=time.Since(s); runtime.GC(); runtime.ReadMemStats(&m1)
  if err!=nil {t.Fatal(err)}
  r:=rand.New(rand.NewPCG(9,9)); n:=len(x.Hosts); var v,same []float64; tri:=0
  for k:=0;k<100000;k++ { a,b,c:=r.IntN(n),r.IntN(n),r.IntN(n); if a==b||b==c||a==c {continue}; ab:=x.RTT(a,b); v=append(v,ab.Seconds()*1e3); if ab>x.RTT(a,c)+x.RTT(c,b) {tri++}; if x.Hosts[a].Cluster==x.Hosts[b].Cluster {same=append(same,ab.Seconds()*1e3)} }
  slices.Sort(v);slices.Sort(same); var sm,s2 float64; for _,z:=range v {l:=math.Log(z); sm+=l; s2+=l*l}; L:=float64(len(v)); sd:=math.Sqrt(s2/L-(sm/L)*(sm/L))
  q:=func(v []float64,p float64) float64 {return math.Round(v[int(p*float64(len(v)))]*10)/10}
  fmt.Println(sp,seed,el.Round(time.Millisecond),"MB",float64(m1.HeapAlloc-m0.HeapAlloc)/1e6,"loc",x.Locations(),"q",q(v,.01),q(v,.1),q(v,.5),q(v,.9),q(v,.99),"sd",sd,"tri",float64(tri)/L,"same",q(same,.1),q(same,.5),q(same,.9),"val",x.Validate())
  cnt:=map[string]int{}; for _,h:=range x.Hosts {cnt[h.Cluster]++}; mx,one:=0,0; for _,c:=range cnt {mx=max(mx,c); if c==1 {one++}}; fmt.Println("  largest",mx,"single",one); runtime.KeepAlive(x)
  }
 }
}
