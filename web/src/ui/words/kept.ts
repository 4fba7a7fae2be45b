/** Words for the codes of retention, in both languages. */
export const zh = {
  of: {
    caller: '报警人身份',
    narrative: '叙述与备注',
    place: '精确地点',
    recordings: '录音录像与文件',
    decision: '处理理由',
    positions: '位置',
    sessions: '会话',
    attempts: '登录尝试',
    telephone: '话务',
    access_log: '查阅记录',
    audit: '审计',
  },
  status: { running: '计时中', review: '待审查', proposed: '待第二人', held: '已冻结', permanent: '永久' },
}

export const en: typeof zh = {
  of: {
    caller: 'caller',
    narrative: 'narrative',
    place: 'precise place',
    recordings: 'recordings',
    decision: 'reasons',
    positions: 'positions',
    sessions: 'sessions',
    attempts: 'sign-in attempts',
    telephone: 'telephone calls',
    access_log: 'access log',
    audit: 'audit',
  },
  status: {
    running: 'running',
    review: 'to review',
    proposed: 'second person',
    held: 'on hold',
    permanent: 'permanent',
  },
}
