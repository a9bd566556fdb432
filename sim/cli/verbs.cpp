#include "cli/verbs.hpp"

#include "base/diagnostics.hpp"

#include <fmt/format.h>

#include <array>

namespace orrery {

std::span<const Verb* const> all_verbs() {
  static const std::array all = {&verbs::run,      &verbs::check,      &verbs::compare,
                                 &verbs::trace,    &verbs::collective, &verbs::kernel,
                                 &verbs::validate, &verbs::list,       &verbs::help};
  return all;
}

const Verb& find_verb(std::string_view name) {
  std::vector<std::string> names;
  for (const Verb* verb : all_verbs()) {
    if (verb->name == name) return *verb;
    names.emplace_back(verb->name);
  }
  std::string hint = did_you_mean(name, names);
  if (hint.empty()) hint = "; `orrery help` lists what there is";
  throw UsageError(fmt::format("there is no verb '{}'{}", name, hint));
}

}  // namespace orrery
