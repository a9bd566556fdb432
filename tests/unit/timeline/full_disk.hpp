// A disk that is full after so many bytes of one file, for as long as the object lives.
//
// HDF5 1.10 cannot let go of a file that it could not write, and says so to nobody but a leak
// checker; a test program that fills disks defines __lsan_default_suppressions with hdf5_keeps.
#pragma once

#include <sys/resource.h>

#include <csignal>

namespace orrery {

inline constexpr const char* hdf5_keeps = "leak:libhdf5";

class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit small{.rlim_cur = bytes, .rlim_max = limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*before_)(int);
  rlimit limit_{};
};

}  // namespace orrery
