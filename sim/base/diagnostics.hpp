// What is wrong with the user's input: where (file:line:column), what was found and what would be
// right.
//
// Findings are gathered while everything is read, and thrown once as InvalidScenario, so that a
// user sees all of them at once. `main` catches it and exits with status 2.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// A place in an input. Line and column count from 1; line 0 means the whole file.
struct SourcePosition {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;

  bool operator==(const SourcePosition&) const = default;
};

/// "file:line:column", "file" when there is no line.
std::string to_string(const SourcePosition& position);

enum class Severity { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  SourcePosition position;
  std::string message;
};

/// "file:line:column: error: message".
std::string to_string(const Diagnostic& diagnostic);

class Diagnostics {
 public:
  void error(SourcePosition position, std::string message);
  void warning(SourcePosition position, std::string message);

  bool has_errors() const;
  const std::vector<Diagnostic>& all() const { return all_; }

  /// Throws InvalidScenario with every finding, in the order of their positions, if one is an
  /// error.
  void throw_if_errors() const;

 private:
  std::vector<Diagnostic> all_;
};

/// Thrown once, when all findings of the input are gathered. what() is the printable text.
class InvalidScenario : public std::runtime_error {
 public:
  explicit InvalidScenario(std::vector<Diagnostic> diagnostics);

  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

/// Number of single-character insertions, deletions, substitutions and swaps of neighbours between
/// two words.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// "; did you mean 'x'?" for the candidate nearest to `word`, or "" when none is near enough.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// "a, b and c", for messages that list what would be right.
std::string enumerate(std::span<const std::string> words);

}  // namespace orrery
