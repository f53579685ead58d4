// Runs a program over a batch on several threads. Results do not depend on their number: inferences
// are independent of each other, and what is summed over them are integers.
#ifndef TFLM_UNIT_NATIVE_RUNNER_H_
#define TFLM_UNIT_NATIVE_RUNNER_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "program.h"
#include "workspace.h"

namespace tflm_unit {

// A tensor with memory for the whole batch, one inference after another.
struct BatchBuffer {
  int tensor;
  void *data;
};

struct HistogramBuffer {
  int layer;
  uint64_t *data;  // PrunableLayer::histogram_size() counts, added to
};

struct RunRequest {
  int64_t count = 0;    // inferences
  int layer_count = 0;  // layers after these are not run
  int threads = 1;
  bool skipped_sums = false;
  std::vector<BatchBuffer> inputs;   // every input of the program
  std::vector<BatchBuffer> outputs;  // tensors that the caller wants
  std::vector<HistogramBuffer> histograms;
};

// What a prunable layer did over the whole batch; skipped_sum is empty unless requested.
struct LayerCounters {
  int layer = 0;
  uint64_t macs_total = 0;
  uint64_t macs_zero = 0;
  uint64_t macs_skipped = 0;
  std::vector<int64_t> skipped_sum;
};

class Runner {
 public:
  // Starts the threads. Throws std::invalid_argument when the request does not fit the program.
  // The program and the buffers must outlive the runner.
  Runner(const Program &program, RunRequest request);
  // Stops and joins the threads.
  ~Runner();
  Runner(const Runner &) = delete;
  Runner &operator=(const Runner &) = delete;

  // Whether all threads have ended; returns early when they do.
  bool WaitFor(std::chrono::milliseconds timeout);
  int64_t done() const { return done_; }

  // After the threads have ended: rethrows what a thread threw.
  std::vector<LayerCounters> Finish();

 private:
  class Worker;

  void Check() const;
  void Work();
  void Join();

  const Program &program_;
  const RunRequest request_;
  std::unique_ptr<MemoryPlan> plan_;
  std::vector<LayerCounters> counters_;  // guarded by mutex_, as are the histograms

  int64_t grain_ = 1;
  std::atomic<int64_t> next_{0};
  std::atomic<int64_t> done_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace tflm_unit

#endif  // TFLM_UNIT_NATIVE_RUNNER_H_
