// How far measured products lie from the model of tiles, shape by shape: measured / modelled times.
//
// A table is a grid: some m (ascending) by some pairs of n and k. Between them the logarithm of the
// ratio is interpolated, along log m linearly, among pairs by inverse distance d in log2 n and
// log2 k:
//
//   log r = Σ w·log r_i / (Σ w + w_0),  w = 1/d³,  w_0 = 1/reach³
//
// so that a measured shape has its own ratio, and a shape far from all of them none (r = 1). What
// is interpolated is small and smooth; the times themselves, with their waves, are neither.
#pragma once

#include <vector>

namespace orrery {

struct RatioTable {
  struct Row {
    double n = 1.0;
    double k = 1.0;
    std::vector<double> ratios;  ///< by m
  };

  std::vector<double> m;
  std::vector<Row> rows;
};

/// Measured / modelled time to expect of a product; 1 without a table.
double ratio_at(const RatioTable& table, double m, double n, double k);

}  // namespace orrery
