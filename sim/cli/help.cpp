#include "cli/command_line.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

namespace {

constexpr std::string_view introduction = R"(Orrery: a discrete-event simulator of GPU clusters

usage: orrery VERB ...

)";

constexpr std::string_view closing = R"(
  --version              prints the version

`orrery help VERB` says what a verb takes. Exit status: 0 done, 1 ran but a requirement failed,
2 the input is wrong, 3 an internal fault.
)";

void print_all() {
  const Paint paint(stdout);
  fmt::print("{}", introduction);
  for (const Verb* verb : all_verbs()) {
    fmt::print("  {} {}\n", paint.bold(padded(verb->name, 12)), verb->summary);
  }
  fmt::print("{}", closing);
}

std::string spelling(const Option& option) {
  std::string text = option.letter == 0 ? fmt::format("    --{}", option.name)
                                        : fmt::format("-{}, --{}", option.letter, option.name);
  if (!option.value.empty()) text += fmt::format(" {}", option.value);
  return text;
}

void print_verb(const Verb& verb) {
  fmt::print("usage: orrery {} {}\n\n{}\n", verb.name, verb.synopsis, verb.details);
  std::size_t width = 0;
  for (const Option& option : verb.options) width = std::max(width, spelling(option).size());
  if (width > 0) fmt::print("\n");
  for (const Option& option : verb.options) {
    fmt::print("  {}   {}\n", padded(spelling(option), width), option.help);
  }
}

int run_help(const Arguments& arguments) {
  if (arguments.words.empty()) {
    print_all();
  } else {
    print_verb(find_verb(arguments.words.front()));
  }
  return exit_done;
}

}  // namespace

const Verb verbs::help = {.name = "help",
                          .synopsis = "[VERB]",
                          .summary = "what there is, or what a verb takes",
                          .details = "Lists the verbs, or says what one of them takes.",
                          .least_words = 0,
                          .most_words = 1,
                          .options = {},
                          .run = run_help};

}  // namespace orrery
