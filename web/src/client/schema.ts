/**
 * The shapes the server speaks, in the form `npm run generate` writes them.
 *
 * Written by hand from the contract until the server publishes its OpenAPI document; the generator
 * then replaces this whole file. Only `types.ts` reads it.
 */
export interface components {
  schemas: {
    Person: { id: string; name: string; username: string }
    Grant: { role: string; organisation: string; until: string | null }
    Session: {
      person: components['schemas']['Person']
      grants: components['schemas']['Grant'][]
      csrf: string
      expires_at: string
    }
    FieldFault: { path: string; message_zh: string; message_en: string }
    Problem: {
      type: string
      title: string
      status: number
      code: string
      detail_zh: string
      detail_en: string
      fields?: components['schemas']['FieldFault'][] | null
    }
    Level: { code: number; name_zh: string; name_en: string; colour_light: string; colour_dark: string }
    Category: {
      code: string
      parent: string | null
      name_zh: string
      name_en: string
      level: number
      urgent: boolean
    }
    Status: {
      code: string
      name_zh: string
      name_en: string
      sign: string
      colour_light: string
      colour_dark: string
      group: 'available' | 'dispatched' | 'under_way' | 'on_scene' | 'busy' | 'off' | 'emergency'
    }
    Channel: { code: string; name_zh: string; name_en: string }
    CityClock: { now: string; speed: number }
    Clock: { name: string; name_zh: string; name_en: string; level: number | null; seconds: number }
    City: {
      id: string
      name_zh: string
      name_en: string
      timezone: string
      bbox: number[]
      centre: number[]
      simulated: boolean
      clock: components['schemas']['CityClock']
      levels: components['schemas']['Level'][]
      categories: components['schemas']['Category'][]
      statuses: components['schemas']['Status'][]
      channels: components['schemas']['Channel'][]
      clocks: components['schemas']['Clock'][]
      attribution: string[]
    }
    Place: { id: string; name_zh: string; name_en: string; kind: string; lon: number; lat: number }
    Organisation: {
      id: string
      parent: string | null
      name_zh: string
      name_en: string
      tier: 'city' | 'county' | 'station' | 'partner'
      path: string
      lon: number | null
      lat: number | null
    }
    Summary: {
      open: { by_level: Record<string, number>; by_state: Record<string, number> }
      units: { by_group: Record<string, number> }
      today: { reported: number; closed: number }
    }
    Due: { name: string; at: string }
    IncidentPlace: { lon: number; lat: number; label: string }
    OrderBrief: { order: string; unit: string; call_sign: string; state: string }
    IncidentRow: {
      id: string
      number: string
      level: number
      category: string
      category_final: string | null
      state: string
      organisation: string
      jurisdiction: string | null
      channel: string
      reported_at: string
      recorded_at: string
      state_since: string
      due: components['schemas']['Due'] | null
      missed: string[]
      place: components['schemas']['IncidentPlace'] | null
      cell: string | null
      orders: components['schemas']['OrderBrief'][]
      merged_into: string | null
      escalated: boolean
      version: number
    }
    IncidentPage: { items: components['schemas']['IncidentRow'][]; next: string | null }
    Caller: { name: string | null; phone: string | null }
    IncidentOrder: {
      order: string
      unit: string
      call_sign: string
      organisation: string
      state: string
      sign_by: string | null
      times?: Record<string, string>
    }
    Incident: {
      row: components['schemas']['IncidentRow']
      caller: components['schemas']['Caller'] | null
      narrative: string | null
      orders: components['schemas']['IncidentOrder'][]
      parties: string[]
      may: string[]
    }
    EntryActor: { id: string; name: string }
    EntryView: {
      number: number
      kind: string
      happened_at: string
      recorded_at: string
      actor: components['schemas']['EntryActor'] | null
      role: string | null
      organisation: string | null
      body: Record<string, unknown>
    }
    Reason: { code: string; zh: string; en: string }
    Candidate: {
      unit: string
      call_sign: string
      organisation: string
      mode: string
      distance_m: number
      eta_s: number
      reasons: components['schemas']['Reason'][]
      warnings: components['schemas']['Reason'][]
    }
    AnswerEntry: { number: number; kind: string }
    Answer: {
      command: string
      matter: string
      entries: components['schemas']['AnswerEntry'][]
      recorded_at: string
      number?: string | null
    }
    CrewMember: { person: string; name: string }
    UnitOrder: { incident: string; order: string; state: string }
    UnitPoint: { lon: number; lat: number }
    UnitPosition: {
      lon: number
      lat: number
      at: string
      heading: number | null
      speed_kmh: number | null
    }
    UnitRow: {
      id: string
      call_sign: string
      organisation: string
      kind: string
      mode: string
      capabilities: string[]
      on_duty: boolean
      status: string
      crew: components['schemas']['CrewMember'][]
      order: components['schemas']['UnitOrder'] | null
      base: components['schemas']['UnitPoint'] | null
      position: components['schemas']['UnitPosition'] | null
      version: number
    }
  }
}
