// A file that appears whole or not at all. It is written as PATH.partial beside its final place and
// renamed when it is complete; until then, whatever goes wrong, nothing half-written has the final
// name and an older file of that name stays as it was.
#pragma once

#include <filesystem>

namespace orrery {

class PartialFile {
 public:
  /// Creates an empty PATH.partial. Throws OutputError when that is not possible: the folder is
  /// missing (only `results` is created), something that is no plain file has the name, no
  /// permission.
  explicit PartialFile(std::filesystem::path path);
  /// Removes PATH.partial unless it was kept.
  ~PartialFile();

  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  const std::filesystem::path& path() const { return path_; }        ///< the final place
  const std::filesystem::path& partial() const { return partial_; }  ///< where to write

  /// Gives the file, which nobody may have open any more, its name, once it is safely on the disk.
  void keep();

 private:
  std::filesystem::path path_;
  std::filesystem::path partial_;
  bool kept_ = false;
};

}  // namespace orrery
