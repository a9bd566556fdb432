// Results that cannot be written: a full disk, a missing folder, no permission. Nobody's bug and no
// mistake in the scenario, so it is neither a CHECK nor a diagnostic.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace orrery {

class OutputError : public std::runtime_error {
 public:
  OutputError(const std::filesystem::path& path, const std::string& reason)
      : std::runtime_error("cannot write " + path.string() + ": " + reason) {}
};

}  // namespace orrery
