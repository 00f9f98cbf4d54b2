package topology

// kingComponent is a normal distribution of points in the plane (one-way ms), with
// the quantiles of the heights of the points that belong to it.
type kingComponent struct {
	weight float64
	x, y   float64 // mean
	// sx, sxy and sy are the lower triangle of the square root of the covariance.
	sx, sxy, sy float64
	// heights are the quantiles at kingLevels, in ms, at least 0.1.
	heights [16]float64
}

const kingComponents = 8

// kingLevels are those of kingComponent.heights.
var kingLevels = [16]float64{0, .05, .1, .2, .3, .4, .5, .6, .7, .8, .85, .9, .95, .98, .99, 1}

// kingMixture is fitted, by expectation maximisation from three random starts, to
// coordinates and heights of 1740 DNS servers, themselves fitted to the King data
// set: one-way latency is the distance and both heights. Round trips between hosts of
// king:1740, the mean of 20 networks with the least and the greatest, against those
// between the servers, our measurement:
//
//	          p1    p10    p25    p50    p75    p90    p95    p99
//	data    22.9   51.4   87.4  160.9  239.1  336.9  406.4  681.1 ms
//	mean    20.7   51.3   88.2  157.3  245.0  354.3  434.6  664.9
//	least   19.0   47.7   82.5  148.8  220.9  311.6  380.6  564.9
//	most    21.9   54.4   92.9  167.7  286.8  447.3  539.6  818.4
//
// So the median agrees to 2% and p90 to 5% in the mean, to 8% and 33% in each of
// those networks: the hosts of a region share a place, and the far regions are few.
// Within a region the median is some 38 ms, as in the synthetic data set of 951 hosts,
// but p90 some 165 ms (there 64): heights are drawn without regard to the region.
var kingMixture = [kingComponents]kingComponent{
	{0.270, 3.5, -3.4, 4.8, -1.1, 6.9, [16]float64{0.1, 0.6, 1.1, 2.4, 3.9, 5.5, 7.3, 9.3, 11.9, 15.7, 20.1, 31.6, 68, 78.5, 85, 271.9}},
	{0.170, 3.1, -1.8, 11.9, 0.3, 7.2, [16]float64{0.1, 0.4, 0.8, 1.7, 3, 4.6, 6.6, 9.2, 12.5, 18.3, 24.9, 44.2, 74, 84.8, 108.1, 291.6}},
	{0.134, 0.7, 82.0, 41.1, 5.4, 20.3, [16]float64{0.1, 0.2, 0.3, 0.6, 1, 1.6, 3.2, 5.2, 12.3, 29.1, 41.1, 52.9, 65.1, 82.8, 87.7, 291.6}},
	{0.132, 3.2, -54.2, 8.8, 0.7, 6.8, [16]float64{0.1, 0.2, 0.4, 0.7, 1, 2, 4.2, 7.8, 11.1, 17.3, 20.6, 25.4, 35.5, 57.1, 78.5, 157.7}},
	{0.117, 0.6, 23.6, 9.1, -0.2, 5.0, [16]float64{0.1, 0.5, 0.6, 1.1, 2.2, 4.8, 6.2, 8.5, 11.1, 16, 20.5, 54.7, 78.5, 116.7, 242.9, 291.6}},
	{0.082, 9.5, -63.3, 21.5, 2.9, 12.9, [16]float64{0.1, 0.2, 0.3, 0.6, 0.7, 1.1, 1.7, 2.8, 6.6, 12.5, 17, 26.4, 63.4, 86.5, 115.5, 171.2}},
	{0.065, 14.2, -2.3, 37.8, -2.2, 28.2, [16]float64{0.1, 0.3, 0.6, 1.3, 2.5, 4.5, 10.3, 20.9, 40.3, 64.1, 74.4, 88.1, 129.2, 238.4, 255.4, 291.6}},
	{0.028, -15.1, 10.3, 130.3, 23.4, 84.5, [16]float64{0.1, 0.2, 0.4, 0.9, 1.7, 3.3, 6.7, 17, 45.1, 74.4, 103.7, 141.1, 190.9, 211.4, 230, 291.6}},
}
