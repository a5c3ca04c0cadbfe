/// The tables of metadata by number (ECMA-335 II.22; 0x30 and up: Portable PDB v1.0).
enum Table: UInt8, CaseIterable {
  case module = 0x00
  case typeRef, typeDef, fieldPtr, field, methodPtr, methodDef, paramPtr, param, interfaceImpl
  case memberRef, constant, customAttribute, fieldMarshal, declSecurity, classLayout, fieldLayout
  case standAloneSig, eventMap, eventPtr, event, propertyMap, propertyPtr, property
  case methodSemantics, methodImpl, moduleRef, typeSpec, implMap, fieldRVA, encLog, encMap
  case assembly, assemblyProcessor, assemblyOS, assemblyRef, assemblyRefProcessor, assemblyRefOS
  case file, exportedType, manifestResource, nestedClass, genericParam, methodSpec
  case genericParamConstraint
  case document = 0x30
  case methodDebugInformation, localScope, localVariable, localConstant, importScope
  case stateMachineMethod, customDebugInformation
}

/// What stands in a column. Its width follows from the sizes of what it points to.
enum Column {
  case u16, u32
  case string, guid, blob
  /// A row of one table.
  case row(Table)
  /// A row of one of several tables.
  case coded(CodedIndex)
}

/// Ways to point into one of several tables (ECMA-335 II.24.2.6): the lowest bits say which.
enum CodedIndex {
  case typeDefOrRef, hasConstant, hasCustomAttribute, hasFieldMarshal, hasDeclSecurity
  case memberRefParent, hasSemantics, methodDefOrRef, memberForwarded, implementation
  case customAttributeType, resolutionScope, typeOrMethodDef, hasCustomDebugInformation

  var tagBits: UInt32 {
    switch self {
    case .hasFieldMarshal, .hasSemantics, .methodDefOrRef, .memberForwarded, .typeOrMethodDef: 1
    case .typeDefOrRef, .hasConstant, .hasDeclSecurity, .implementation, .resolutionScope: 2
    case .memberRefParent, .customAttributeType: 3
    case .hasCustomAttribute, .hasCustomDebugInformation: 5
    }
  }

  /// By tag; nil for tags that are not used.
  var tables: [Table?] {
    switch self {
    case .typeDefOrRef: [.typeDef, .typeRef, .typeSpec]
    case .hasConstant: [.field, .param, .property]
    case .hasCustomAttribute: Self.attributed
    case .hasFieldMarshal: [.field, .param]
    case .hasDeclSecurity: [.typeDef, .methodDef, .assembly]
    case .memberRefParent: [.typeDef, .typeRef, .moduleRef, .methodDef, .typeSpec]
    case .hasSemantics: [.event, .property]
    case .methodDefOrRef: [.methodDef, .memberRef]
    case .memberForwarded: [.field, .methodDef]
    case .implementation: [.file, .assemblyRef, .exportedType]
    case .customAttributeType: [nil, nil, .methodDef, .memberRef, nil]
    case .resolutionScope: [.module, .moduleRef, .assemblyRef, .typeRef]
    case .typeOrMethodDef: [.typeDef, .methodDef]
    case .hasCustomDebugInformation:
      Self.attributed + [.document, .localScope, .localVariable, .localConstant, .importScope]
    }
  }

  private static let attributed: [Table?] = [
    .methodDef, .field, .typeRef, .typeDef, .param, .interfaceImpl, .memberRef, .module,
    .declSecurity, .property, .event, .standAloneSig, .moduleRef, .typeSpec, .assembly,
    .assemblyRef, .file, .exportedType, .manifestResource, .genericParam, .genericParamConstraint,
    .methodSpec,
  ]
}

extension Table {
  /// All tables must be known, to know where any of them starts.
  var columns: [Column] {
    switch self {
    case .module: [.u16, .string, .guid, .guid, .guid]
    case .typeRef: [.coded(.resolutionScope), .string, .string]
    case .typeDef:
      [.u32, .string, .string, .coded(.typeDefOrRef), .row(.field), .row(.methodDef)]
    case .fieldPtr: [.row(.field)]
    case .field: [.u16, .string, .blob]
    case .methodPtr: [.row(.methodDef)]
    case .methodDef: [.u32, .u16, .u16, .string, .blob, .row(.param)]
    case .paramPtr: [.row(.param)]
    case .param: [.u16, .u16, .string]
    case .interfaceImpl: [.row(.typeDef), .coded(.typeDefOrRef)]
    case .memberRef: [.coded(.memberRefParent), .string, .blob]
    case .constant: [.u16, .coded(.hasConstant), .blob]
    case .customAttribute: [.coded(.hasCustomAttribute), .coded(.customAttributeType), .blob]
    case .fieldMarshal: [.coded(.hasFieldMarshal), .blob]
    case .declSecurity: [.u16, .coded(.hasDeclSecurity), .blob]
    case .classLayout: [.u16, .u32, .row(.typeDef)]
    case .fieldLayout: [.u32, .row(.field)]
    case .standAloneSig: [.blob]
    case .eventMap: [.row(.typeDef), .row(.event)]
    case .eventPtr: [.row(.event)]
    case .event: [.u16, .string, .coded(.typeDefOrRef)]
    case .propertyMap: [.row(.typeDef), .row(.property)]
    case .propertyPtr: [.row(.property)]
    case .property: [.u16, .string, .blob]
    case .methodSemantics: [.u16, .row(.methodDef), .coded(.hasSemantics)]
    case .methodImpl: [.row(.typeDef), .coded(.methodDefOrRef), .coded(.methodDefOrRef)]
    case .moduleRef: [.string]
    case .typeSpec: [.blob]
    case .implMap: [.u16, .coded(.memberForwarded), .string, .row(.moduleRef)]
    case .fieldRVA: [.u32, .row(.field)]
    case .encLog: [.u32, .u32]
    case .encMap: [.u32]
    case .assembly: [.u32, .u16, .u16, .u16, .u16, .u32, .blob, .string, .string]
    case .assemblyProcessor: [.u32]
    case .assemblyOS: [.u32, .u32, .u32]
    case .assemblyRef: [.u16, .u16, .u16, .u16, .u32, .blob, .string, .string, .blob]
    case .assemblyRefProcessor: [.u32, .row(.assemblyRef)]
    case .assemblyRefOS: [.u32, .u32, .u32, .row(.assemblyRef)]
    case .file: [.u32, .string, .blob]
    case .exportedType: [.u32, .u32, .string, .string, .coded(.implementation)]
    case .manifestResource: [.u32, .u32, .string, .coded(.implementation)]
    case .nestedClass: [.row(.typeDef), .row(.typeDef)]
    case .genericParam: [.u16, .u16, .coded(.typeOrMethodDef), .string]
    case .methodSpec: [.coded(.methodDefOrRef), .blob]
    case .genericParamConstraint: [.row(.genericParam), .coded(.typeDefOrRef)]
    case .document: [.blob, .guid, .blob, .guid]
    case .methodDebugInformation: [.row(.document), .blob]
    case .localScope:
      [
        .row(.methodDef), .row(.importScope), .row(.localVariable), .row(.localConstant), .u32,
        .u32,
      ]
    case .localVariable: [.u16, .u16, .string]
    case .localConstant: [.string, .blob]
    case .importScope: [.row(.importScope), .blob]
    case .stateMachineMethod: [.row(.methodDef), .row(.methodDef)]
    case .customDebugInformation: [.coded(.hasCustomDebugInformation), .guid, .blob]
    }
  }
}
