#include "timeline/partial_file.hpp"

#include "timeline/output_error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace orrery {

namespace {

namespace fs = std::filesystem;

std::string reason_of(int error) { return std::generic_category().message(error); }

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Where a link points, so that writing replaces the file and not the link.
fs::path resolved(fs::path path) {
  std::error_code ignored;
  if (!fs::is_symlink(path, ignored)) return path;
  fs::path target = fs::weakly_canonical(path, ignored);
  return target.empty() ? path : target;
}

void require_place(const fs::path& path) {
  std::error_code ignored;
  if (path.empty() || !path.has_filename()) throw OutputError(path, "this names no file");
  if (fs::is_directory(path, ignored)) throw OutputError(path, "this is a folder");
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) {
    throw OutputError(path, "this is not a plain file");
  }
  const fs::path folder = folder_of(path);
  if (folder == "results") fs::create_directory(folder, ignored);
  if (!fs::exists(folder, ignored)) {
    throw OutputError(path, "the folder " + folder.string() + " does not exist");
  }
}

/// Opens, calls fsync, closes: what is written before is on the disk after.
void sync(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) throw OutputError(path, reason_of(errno));
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  // Some file systems cannot sync a folder, and say so with EINVAL.
  if (error != 0 && error != EINVAL) throw OutputError(path, reason_of(error));
}

}  // namespace

PartialFile::PartialFile(fs::path path) : path_(resolved(std::move(path))) {
  require_place(path_);
  partial_ = path_;
  partial_ += ".partial";
  const int descriptor = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) throw OutputError(path_, reason_of(errno));
  ::close(descriptor);
}

PartialFile::~PartialFile() {
  std::error_code ignored;
  if (!kept_) fs::remove(partial_, ignored);
}

void PartialFile::keep() {
  sync(partial_, O_RDONLY);
  std::error_code error;
  fs::rename(partial_, path_, error);
  if (error) throw OutputError(path_, error.message());
  kept_ = true;
  sync(folder_of(path_), O_RDONLY | O_DIRECTORY);
}

}  // namespace orrery
