// Fitted constants as the tables of a GPU's file state them: shares, amounts, spreads, and whether
// a table was fitted on its own GPU. Findings go to the settings' diagnostics, and a value that was
// found wrong stays as it was.
#pragma once

#include "base/settings.hpp"
#include "hardware/kernel_constants.hpp"

#include <optional>
#include <string_view>

namespace orrery {

/// Above 0 and not above 2.
void read_share(const Settings& settings, std::string_view key, double& value);
/// Above 0 and not above 10.
void read_factor(const Settings& settings, std::string_view key, double& value);
/// Not negative.
void read_amount(const Settings& settings, std::string_view key, double& value);
/// Two numbers, the smaller one first.
std::optional<MeasuredRange> read_pair(const Settings& settings, std::string_view key);
Spread read_spread(const Settings& settings, Spread otherwise);
/// A table is either fitted on its own GPU or borrowed: `relative` names the lender.
bool is_measured(const Settings& settings);

}  // namespace orrery
