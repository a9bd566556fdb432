#include "cli/options.hpp"

#include "base/diagnostics.hpp"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace orrery {

namespace po = boost::program_options;

namespace {

/// Under this name Program_options gathers what is no option; nobody can type it.
constexpr const char* words_name = "(words)";

po::options_description describe(const Verb& verb) {
  po::options_description described;
  described.add_options()(words_name, po::value<std::vector<std::string>>(), "");
  for (const Option& option : verb.options) {
    std::string name(option.name);
    if (option.letter != 0) name += fmt::format(",{}", option.letter);
    if (option.value.empty()) {
      described.add_options()(name.c_str(), "");
    } else {
      described.add_options()(name.c_str(), po::value<std::vector<std::string>>(), "");
    }
  }
  return described;
}

std::string usage(const Verb& verb) {
  return fmt::format("usage: orrery {} {}", verb.name, verb.synopsis);
}

[[noreturn]] void refuse_option(const Verb& verb, const std::string& typed) {
  std::vector<std::string> known;
  for (const Option& option : verb.options) known.push_back(fmt::format("--{}", option.name));
  throw UsageError(fmt::format("{} has no option {}{}\n{}", verb.name, typed,
                               did_you_mean(typed, known), usage(verb)));
}

po::parsed_options parse(const Verb& verb, const std::vector<std::string>& typed) {
  const po::options_description described = describe(verb);
  namespace style = po::command_line_style;
  const int exact = style::unix_style & ~style::allow_guessing;
  try {
    return po::command_line_parser(typed)
        .options(described)
        .positional(po::positional_options_description().add(words_name, -1))
        .style(exact)
        .run();
  } catch (const po::unknown_option& error) {
    refuse_option(verb, error.get_option_name());
  } catch (const po::error& error) {
    throw UsageError(fmt::format("{}\n{}", error.what(), usage(verb)));
  }
}

void check_words(const Verb& verb, const Arguments& arguments) {
  const std::size_t count = arguments.words.size();
  if (std::ranges::any_of(arguments.words, &std::string::empty)) {
    throw UsageError(fmt::format("{} was given an empty word\n{}", verb.name, usage(verb)));
  }
  if (count < verb.least_words) {
    throw UsageError(fmt::format("{} needs {} more\n{}", verb.name,
                                 verb.least_words - count == 1
                                     ? "one word"
                                     : fmt::format("{} words", verb.least_words - count),
                                 usage(verb)));
  }
  if (count <= verb.most_words) return;
  throw UsageError(fmt::format("{} does not know what to do with '{}'\n{}", verb.name,
                               arguments.words[verb.most_words], usage(verb)));
}

}  // namespace

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto found = values_.find(option);
  if (found == values_.end()) return std::nullopt;
  return found->second.back();
}

const std::vector<std::string>& Arguments::values(std::string_view option) const {
  static const std::vector<std::string> none;
  const auto found = values_.find(option);
  return found == values_.end() ? none : found->second;
}

std::optional<std::int64_t> Arguments::integer(std::string_view option, std::int64_t least) const {
  const std::optional<std::string> text = value(option);
  if (!text) return std::nullopt;
  return parse_integer(fmt::format("--{}", option), *text, least);
}

void Arguments::add(std::string_view option, std::string value) {
  values_[std::string(option)].push_back(std::move(value));
}

Arguments parse_arguments(const Verb& verb, const std::vector<std::string>& typed) {
  Arguments arguments;
  for (const po::option& option : parse(verb, typed).options) {
    if (option.position_key >= 0) {
      arguments.words.push_back(option.value.front());
    } else {
      if (!option.value.empty() && option.value.front().empty()) {
        throw UsageError(
            fmt::format("--{} was given an empty value\n{}", option.string_key, usage(verb)));
      }
      arguments.add(option.string_key, option.value.empty() ? "" : option.value.front());
    }
  }
  check_words(verb, arguments);
  return arguments;
}

std::int64_t parse_integer(std::string_view what, const std::string& text, std::int64_t least) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  if (failure == std::errc{} && rest == end && value >= least) return value;
  throw UsageError(
      fmt::format("{} is '{}'; wanted a whole number of {} or more", what, text, least));
}

}  // namespace orrery
