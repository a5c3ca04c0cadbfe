import Foundation
import Report
import TestSupport
import Testing

/// examples/kubernetes: the manifest as it would be applied, and the pod that it makes, without a cluster.
@Suite(.timeLimit(.minutes(5))) struct KubernetesTests {
  private let example = Example(name: "kubernetes")

  private struct Mount: Decodable {
    var name: String
    var mountPath: String
    var readOnly: Bool?
  }

  private struct Container: Decodable {
    struct Variable: Decodable {
      var name: String
      var value: String
    }
    struct Rights: Decodable {
      var capabilities: [String: [String]]
      var privileged: Bool?
    }
    var name: String
    var command: [String]
    var env: [Variable]?
    var volumeMounts: [Mount]
    var securityContext: Rights
  }

  private struct Pod: Decodable {
    struct Volume: Decodable { var name: String }
    var initContainers: [Container]
    var containers: [Container]
    var volumes: [Volume]
  }

  private struct Document: Decodable {
    struct Spec: Decodable {
      struct Template: Decodable { var spec: Pod }
      var template: Template?
    }
    var kind: String
    var spec: Spec
  }

  private func pod() throws -> Pod {
    let script = """
      import json, sys, yaml
      json.dump(list(yaml.safe_load_all(open(sys.argv[1]))), sys.stdout)
      """
    let text = try output(of: ["python3", "-c", script, example.folder + "/service.yaml"])
    let documents = try JSONDecoder().decode([Document].self, from: Data(text.utf8))
    #expect(documents.map(\.kind) == ["PersistentVolumeClaim", "Deployment"])
    return try #require(documents.last?.spec.template?.spec)
  }

  @Test func theManifestFitsTheTree() throws {
    let pod = try pod()
    let volumes = Set(pod.volumes.map(\.name))
    for container in pod.initContainers + pod.containers {
      #expect(Set(container.volumeMounts.map(\.name)).isSubset(of: volumes))
      #expect(container.securityContext.capabilities == ["drop": ["ALL"]])
      #expect(container.securityContext.privileged == nil)
    }
    let copier = try #require(pod.initContainers.first)
    let service = try #require(pod.containers.first)

    // From where the image has the tree to the volume that the service sees.
    let image = try String(contentsOfFile: example.folder + "/Dockerfile", encoding: .utf8)
    let tree = try #require(image.firstMatch(of: /\nCOPY inquest (\S+)\n/)).1
    #expect(copier.command == ["/bin/cp", "-R", tree + "/.", copier.volumeMounts[0].mountPath])
    let mount = try #require(
      service.volumeMounts.first { $0.name == copier.volumeMounts[0].name })
    #expect(mount.readOnly == true)
    let variables = Dictionary(
      uniqueKeysWithValues: (service.env ?? []).map { ($0.name, $0.value) })
    let library = try #require(variables["LD_PRELOAD"])
    #expect(library.hasPrefix(mount.mountPath + "/"))
    let place = Places.stage + library.dropFirst(mount.mountPath.count)
    #expect(access(place, R_OK) == 0, "\(place)")

    let directory = try #require(variables["INQUEST_DIR"])
    let reports = service.volumeMounts.first { directory.hasPrefix($0.mountPath + "/") }
    #expect(reports?.readOnly == nil && reports?.name == "reports")
  }

  @Test func aCrashInThePodGivesACompleteReport() throws {
    let scratch = try Scratch()
    let outcome = try run(
      [example.folder + "/run.sh", Places.stage, scratch.path, Places.runtimes], timeout: 150)
    #expect(outcome.status == 0, "\(outcome)")
    // As init of its namespace, abort() ends with SIGSEGV, with us and without.
    #expect(outcome.text.components(separatedBy: "(exit status 139)").count == 3, "\(outcome)")

    // The image has nothing of ours, and none of what the collector was linked with.
    let files = try #require(
      FileManager.default.subpaths(atPath: scratch.file("images/shop")))
    #expect(files.contains { $0.hasSuffix("libcoreclr.so") })
    for file in files {
      #expect(!["libunwind", "liblzma", "inquest-"].contains { file.contains($0) }, "\(file)")
    }

    let reports = scratch.file("volumes/reports/shop")
    // The volume hands its set-group-ID bit down.
    #expect(mode(of: reports).map { $0 & 0o777 } == 0o700)
    let report = try onlyReport(in: reports, of: outcome).report
    #expect(report.report.complete)
    #expect(report.limitations.isEmpty, "\(report.limitations)")
    #expect(report.process.pid == 1)
    #expect(report.process.isNamespaceInit == true)
    #expect(report.process.userID == 1654)
    #expect(report.runtime?.inspection == .ok)
    #expect(report.crash.kind == .managedException)
    #expect(report.exception?.type == "PricingException")
    let crashed = try #require(report.threads.first)
    #expect(crashed.crashed && crashed.complete)
    #expect(crashed.frames.first?.function == "Pricing.PriceOf")
    #expect(crashed.frames.first?.file?.hasSuffix("/Shop.cs") == true)
  }
}
