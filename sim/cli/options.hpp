// The command line: verbs, their words and their options. The only door to Program_options.
//
// A verb is one file of this folder and one row of verbs.cpp. It states what it takes, and gets
// what was typed as `Arguments`; nothing is left to check but the values. A word that is no verb or
// no option is a UsageError that suggests the nearest one (exit status 2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// What was typed is not what the verb takes; what() says what would be right.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Option {
  std::string_view name;   ///< "output"
  char letter = 0;         ///< 'o', or 0
  std::string_view value;  ///< what stands for its value in help: "FILE"; empty: it takes none
  std::string_view help;
};

class Arguments {
 public:
  std::vector<std::string> words;  ///< what is no option, in order

  bool has(std::string_view option) const { return values_.contains(option); }
  /// The value of an option, the last one if given repeatedly.
  std::optional<std::string> value(std::string_view option) const;
  const std::vector<std::string>& values(std::string_view option) const;
  /// A whole number of `least` or more. Throws UsageError.
  std::optional<std::int64_t> integer(std::string_view option, std::int64_t least) const;
  void add(std::string_view option, std::string value);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

struct Verb {
  std::string_view name;
  std::string_view synopsis;  ///< "SCENARIO [-o FILE.h5]"
  std::string_view summary;   ///< one line
  std::string_view details;   ///< a paragraph or two for `help VERB`
  std::size_t least_words = 0;
  std::size_t most_words = 0;
  std::vector<Option> options;
  int (*run)(const Arguments& arguments);  ///< gives the exit status
};

/// Sorts what was typed into words and options. Throws UsageError.
Arguments parse_arguments(const Verb& verb, const std::vector<std::string>& typed);

/// The value as a whole number of `least` or more. Throws UsageError naming `what`.
std::int64_t parse_integer(std::string_view what, const std::string& text, std::int64_t least);

}  // namespace orrery
