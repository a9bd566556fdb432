#include "hardware/collective_constants.hpp"

#include "hardware/constant_settings.hpp"

#include <string_view>

namespace orrery {

namespace {

ReachedShares read_shares(const Settings& settings) {
  ReachedShares shares;
  read_factor(settings, "base", shares.base);
  read_factor(settings, "hop", shares.hop);
  read_share(settings, "rate", shares.rate);
  read_amount(settings, "ends", shares.ends);
  read_amount(settings, "fill", shares.fill);
  shares.fill_most = settings.bytes("fill_most").value_or(shares.fill_most);
  shares.spread = read_spread(settings, shares.spread);
  shares.measured = is_measured(settings);
  return shares;
}

}  // namespace

CollectiveConstants read_collective_constants(const Settings& collective) {
  CollectiveConstants constants;
  if (const auto table = collective.table("ring")) constants.ring = read_shares(*table);
  if (const auto table = collective.table("nvls")) constants.nvls = read_shares(*table);
  if (const auto table = collective.table("pairs")) constants.pairs = read_shares(*table);
  return constants;
}

}  // namespace orrery
