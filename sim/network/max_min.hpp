// Max-min fair rates: no variable can be raised without lowering one that is not larger.
//
// Progressive filling (Bertsekas and Gallager, Data Networks, 2nd ed., 6.5.2) over weighted
// members: resource r offers each of its members the share  residual(r) / sum of the weights of its
// unfrozen members. The solver knows capacities, members, integer weights and rate caps; no bytes,
// no time, no links.
//
// Law of this file: fill in rounds. In a round the smallest share (or rate cap) is the level; all
// resources at that share, and all variables capped at it, freeze together, and each touched
// resource subtracts level x (integer sum of the weights frozen in this round) once. Weights are
// integers, so a system and its quotient by a symmetry go through the same floating-point
// operations and agree bit for bit. Hence no epsilons anywhere; shares are kept from falling by
// rounding, by a maximum with their former value.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace orrery {

/// Sparse rows of variables, each followed by what it crosses. Buffers are kept across clear().
class MaxMinSystem {
 public:
  struct Crossing {
    std::uint64_t weight = 0;  ///< in units of 2^-32
    std::uint32_t resource = 0;
  };

  void clear();
  /// Returns the index of a resource of `capacity` > 0.
  std::uint32_t add_resource(double capacity);
  /// Opens a variable; the calls of cross() that follow are its own. `rate_cap` > 0, perhaps
  /// infinite.
  std::uint32_t add_variable(double rate_cap);
  /// The last variable uses `weight` > 0 units of `resource`, each resource at most once.
  void cross(std::uint32_t resource, std::uint64_t weight);

  std::size_t resource_count() const { return capacities_.size(); }
  std::size_t variable_count() const { return rate_caps_.size(); }
  double capacity(std::size_t resource) const { return capacities_[resource]; }
  double rate_cap(std::size_t variable) const { return rate_caps_[variable]; }
  std::span<const Crossing> crossings(std::size_t variable) const;
  std::span<const Crossing> all_crossings() const { return crossings_; }

 private:
  std::vector<double> capacities_;
  std::vector<double> rate_caps_;
  std::vector<std::uint32_t> first_crossing_;
  std::vector<Crossing> crossings_;
};

struct MaxMinRates {
  std::vector<double>
      rates;  ///< by variable; infinite for one that is neither capped nor crosses anything
  std::vector<double> loads;  ///< by resource: the sum of rate x weight, accumulated round by round
};

/// A solver owns its working memory: solving many systems allocates for the largest only.
class MaxMinSolver {
 public:
  /// The rates are valid until the next call.
  const MaxMinRates& solve(const MaxMinSystem& system);

 private:
  struct Offer {
    double share;
    std::uint32_t resource;
  };
  struct Residual {
    double capacity;
    double share;
    std::uint64_t weight;         ///< of unfrozen members
    std::uint64_t frozen_weight;  ///< of members frozen in this round
  };

  void prepare(const MaxMinSystem& system);
  void list_members(const MaxMinSystem& system);
  void list_caps(const MaxMinSystem& system);
  void list_offers();
  double lowest_level();
  void freeze_at(const MaxMinSystem& system, double level);
  void freeze_resources_at(const MaxMinSystem& system, double level);
  void freeze(const MaxMinSystem& system, std::uint32_t variable, double level);
  void close_round(double level);
  void refresh_top();
  double offered() const;
  double capped() const;

  MaxMinRates solution_;
  std::vector<Residual> residuals_;
  std::vector<std::uint32_t> first_member_;
  std::vector<std::uint32_t> members_;
  std::vector<char> frozen_;
  std::vector<std::uint32_t> touched_;  ///< resources that lose members in this round
  /// A heap by share. Shares only rise, so an offer may be out of date but never too late.
  std::vector<Offer> offers_;
  std::vector<std::pair<double, std::uint32_t>> caps_;  ///< finite ones, ascending
  std::size_t next_cap_ = 0;
};

}  // namespace orrery
